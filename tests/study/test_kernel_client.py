"""When a kernel counts as ready."""

from __future__ import annotations

import asyncio
from queue import Empty
from typing import Any

import pytest

from qpm.study.kernel_client import PromptClient

ANSWER = {"msg_type": "kernel_info_reply", "content": {"protocol_version": "5.3"}}
STATUS = {"msg_type": "status"}


class Channel:
    """Gives messages one by one; None stands for silence."""

    def __init__(self, *messages: dict[str, Any] | None) -> None:
        self.messages = list(messages)

    async def get_msg(self, timeout: float) -> dict[str, Any]:
        if not self.messages or (message := self.messages.pop(0)) is None:
            await asyncio.sleep(min(timeout, 0.01))
            raise Empty
        return message


class Client(PromptClient):
    """Asks nobody; counts how often it asked."""

    shell_channel = iopub_channel = None

    def __init__(self, shell: Channel, iopub: Channel, alive: bool = True) -> None:
        super().__init__()
        self.shell_channel, self.iopub_channel, self.alive, self.asked = shell, iopub, alive, 0

    def kernel_info(self) -> str:
        self.asked += 1
        return str(self.asked)

    async def is_alive(self) -> bool:
        return self.alive


def test_the_first_answer_on_both_channels_is_enough() -> None:
    client = Client(Channel(ANSWER), Channel(STATUS, STATUS))
    asyncio.run(client.wait_for_ready(timeout=5))
    assert client.asked == 1 and client.iopub_channel.messages == [STATUS]


def test_it_asks_again_until_outputs_can_be_heard_too() -> None:
    client = Client(Channel(None, ANSWER, ANSWER), Channel(None, STATUS))
    asyncio.run(client.wait_for_ready(timeout=5))
    assert client.asked == 3


@pytest.mark.parametrize(("alive", "words"), [(False, "died before replying"), (True, "didn't respond in 0.1 sec")])
def test_a_kernel_that_says_nothing_is_an_error(alive: bool, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        asyncio.run(Client(Channel(), Channel(), alive).wait_for_ready(timeout=0.1))
