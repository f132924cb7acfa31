"""The least that FastAPI and uvicorn can be: the yardstick of `benchmarks.startup`."""

import socket

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/")
async def home() -> HTMLResponse:
    return HTMLResponse("<p>hello</p>")


@app.post("/chat/stream")
async def answer() -> HTMLResponse:
    return HTMLResponse("<p>hello</p>")


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # free again at once, for uvicorn to open by itself
    print(f"http://127.0.0.1:{port}", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
