"""A voice server of Discord on this machine: its WebSocket (version 8, TLS) and its UDP port.

It hears what a bot says: packets are decrypted and decoded, so that a test can listen. End-to-end
encryption (DAVE) is off, as Discord allows by ``dave_protocol_version`` 0; the transport is
encrypted as always. With `dave` at 1 the bot begins the exchange of keys, which goes no further
here: that takes the other members of the call.

https://discord.com/developers/docs/topics/voice-connections
"""

import asyncio
import ipaddress
import json
import os
import ssl
import struct
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from knowledge.voice.port import SPEAKING_RATE, Clip, Samples

IDENTIFY, SELECT_PROTOCOL, READY, HEARTBEAT, DESCRIPTION, SPEAKING, ACK, HELLO = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    8,
)
MODE: Final = "aead_xchacha20_poly1305_rtpsize"
SSRC: Final = 4711
HEADER: Final = 12  # bytes of RTP (RFC 3550)
DISCOVERY: Final = 74  # bytes of an IP discovery packet
SILENCE: Final = b"\xf8\xff\xfe"


@dataclass(frozen=True)
class Packet:
    """20 ms of what was said."""

    sequence: int
    timestamp: int
    opus: bytes
    at: float  # when it came, in seconds of the monotonic clock


@dataclass
class VoiceGateway:
    """One voice server. `heard` are the packets, in the order in which they came."""

    key: bytes = field(default_factory=lambda: os.urandom(32))
    identified: list[dict[str, Any]] = field(default_factory=list)
    speaking: list[int] = field(default_factory=list)
    heard: list[Packet] = field(default_factory=list)
    dave: int = 0  # the version of DAVE that the call has; what follows is heard by members alone
    keys: list[bytes] = field(default_factory=list)  # what was said about the keys of DAVE
    endpoint: str = ""
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    _server: TestServer | None = None
    _udp: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Listen on free ports of 127.0.0.1."""
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Ear(self), local_addr=("127.0.0.1", 0)
        )
        app = web.Application()
        app.router.add_get("/", self._socket)
        self._server = TestServer(app, host="127.0.0.1")
        serving, self.trust = _certificate()
        await self._server.start_server(ssl=serving)
        self.endpoint = f"127.0.0.1:{self._server.port}"

    async def close(self) -> None:
        """Hang up."""
        if self._udp is not None:
            self._udp.close()
        if self._server is not None:
            await self._server.close()

    def words(self, start: int = 0) -> list[Packet]:
        """The packets that are not silence."""
        return [each for each in self.heard[start:] if each.opus != SILENCE]

    def sound(self, packets: list[Packet] | None = None) -> Clip:
        """What a listener hears, mono."""
        import av

        decoder = av.CodecContext.create("libopus", "r")
        decoder.sample_rate = SPEAKING_RATE
        decoder.layout = "stereo"
        decoder.open()
        parts: list[Samples] = []
        for each in self.heard if packets is None else packets:
            for frame in decoder.decode(av.Packet(each.opus)):
                samples = frame.to_ndarray()
                if samples.dtype == np.int16:
                    samples = samples.astype(np.float32) / 32768
                parts.append(samples.reshape(-1, 2).mean(axis=1).astype(np.float32))
        whole = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return Clip(whole, SPEAKING_RATE)

    # --- WebSocket ----------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": HELLO, "d": {"v": 8, "heartbeat_interval": 41250}})
        async for frame in socket:
            if frame.type is WSMsgType.BINARY:
                self.keys.append(frame.data)
            elif frame.type is WSMsgType.TEXT:
                said = json.loads(frame.data)
                await self._answer(socket, said["op"], said["d"])
        return socket

    async def _answer(self, socket: web.WebSocketResponse, op: int, data: Any) -> None:
        assert self._udp is not None
        if op == IDENTIFY:
            self.identified.append(data)
            port = self._udp.get_extra_info("sockname")[1]
            modes = ["aead_aes256_gcm_rtpsize", MODE]
            ready = {"ssrc": SSRC, "ip": "127.0.0.1", "port": port, "modes": modes}
            await socket.send_json({"op": READY, "d": ready})
        elif op == SELECT_PROTOCOL:
            assert data["data"]["mode"] == MODE
            description = {
                "mode": MODE,
                "secret_key": list(self.key),
                "dave_protocol_version": self.dave,
            }
            await socket.send_json({"op": DESCRIPTION, "d": description})
        elif op == HEARTBEAT:
            await socket.send_json({"op": ACK, "d": {"t": data["t"]}})
        elif op == SPEAKING:
            self.speaking.append(data["speaking"])

    # --- UDP ----------------------------------------------------------------------------------

    def datagram(self, data: bytes, sender: tuple[str, int]) -> None:
        """Answer what asks for its own address, and hear everything else."""
        assert self._udp is not None
        if len(data) == DISCOVERY and data[:2] == b"\x00\x01":
            address = sender[0].encode().ljust(64, b"\x00")
            answer = struct.pack(">HHI", 2, 70, SSRC) + address + struct.pack(">H", sender[1])
            self._udp.sendto(answer, sender)
            return
        import nacl.secret  # of the extra voice; this module is imported without it

        header, sealed, counter = data[:HEADER], data[HEADER:-4], data[-4:]
        box = nacl.secret.Aead(self.key)
        opus = box.decrypt(sealed, header, counter.ljust(24, b"\x00"))
        sequence, timestamp = struct.unpack(">HI", header[2:8])
        self.heard.append(Packet(sequence, timestamp, opus, time.monotonic()))


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, gateway: VoiceGateway) -> None:
        self._gateway = gateway

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._gateway.datagram(data, (str(addr[0]), addr[1]))


def _certificate() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For who serves 127.0.0.1, and for who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "voice.test")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    shown = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(secret + shown)
        serving.load_cert_chain(file)
    trusting = ssl.create_default_context(cadata=shown.decode("ascii"))
    return serving, trusting
