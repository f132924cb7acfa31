"""Completions: any endpoint that speaks OpenAI's chat completions, as generator."""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import openai
from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionMessageParam,
    ChatCompletionSystemMessageParam,
    ChatCompletionUserMessageParam,
)

from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.generate import Message


class OpenAIGenerator:
    """A chat completions endpoint, streamed."""

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key: str | None = None,
        timeout: timedelta = timedelta(seconds=20),
        max_tokens: int = 500,
    ) -> None:
        # The client insists on a key; servers on one's own machine want none.
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            timeout=timeout.total_seconds(),
            max_retries=0,  # the extract is there at once; a second try is not
        )
        self._model = model
        self._timeout = timeout.total_seconds()
        self._max_tokens = max_tokens

    async def stream(self, messages: Sequence[Message]) -> AsyncIterator[str]:
        """Yield the endpoint's answer as it arrives; see `Generator`.

        The time-out holds for each read, and for the answer as a whole.
        """
        started = time.monotonic()
        try:
            answer = await self._client.chat.completions.create(
                model=self._model,
                messages=[_parameter(each) for each in messages],
                max_tokens=self._max_tokens,
                temperature=0.2,
                stream=True,
            )
            async with answer:
                async for chunk in answer:
                    if time.monotonic() - started > self._timeout:
                        raise GeneratorTimeout("the endpoint took too long to finish")
                    if chunk.choices and (text := chunk.choices[0].delta.content):
                        yield text
        except openai.APITimeoutError as error:
            raise GeneratorTimeout("the endpoint did not answer in time") from error
        except openai.OpenAIError as error:
            raise GeneratorError(f"the endpoint failed: {type(error).__name__}") from error
        except (ValueError, AttributeError, TypeError) as error:
            # What is no completion chunk fails wherever the client first reads it.
            raise GeneratorError("the endpoint's answer cannot be read") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()


def _parameter(message: Message) -> ChatCompletionMessageParam:
    if message.role == "system":
        return ChatCompletionSystemMessageParam(role="system", content=message.content)
    if message.role == "assistant":
        return ChatCompletionAssistantMessageParam(role="assistant", content=message.content)
    return ChatCompletionUserMessageParam(role="user", content=message.content)
