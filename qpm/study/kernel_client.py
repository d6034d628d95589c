"""The client of a kernel that is here as soon as the kernel answers."""

from __future__ import annotations

import math
import time
from queue import Empty

from jupyter_client.asynchronous import AsyncKernelClient


class PromptClient(AsyncKernelClient):
    """Ready with the kernel's first answer.

    Jupyter's own client then waits until the kernel has said nothing for 0.2 seconds, to begin with an empty channel.
    Who runs a notebook passes over answers to questions that were not its own, so it need not be empty.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel has answered on both channels.

        Raises
        ------
        RuntimeError
            The kernel died, or did not answer in `timeout` seconds (for ever, if None).
        """
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        while time.monotonic() < end:
            self.kernel_info()
            try:
                answer = await self.shell_channel.get_msg(timeout=1)
                await self.iopub_channel.get_msg(timeout=0.2)  # it is subscribed, too: no output will be missed
            except Empty:
                if not await self.is_alive():
                    raise RuntimeError("Kernel died before replying to kernel_info") from None
                continue
            if answer["msg_type"] == "kernel_info_reply":
                self._handle_kernel_info_reply(answer)
                return
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")
