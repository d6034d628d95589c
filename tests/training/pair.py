"""Two processes that train together, as torchrun would start them, without the seconds that it takes to start."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

LIMIT = 60  # seconds after which processes that still wait for each other count as hung

_server = multiprocessing.get_context("forkserver")  # a process that has imported everything once, and forks
_server.set_forkserver_preload(["qpm.training.loop"])


def in_two_processes(job: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `job(rank, *arguments)` gives in each of two processes; its error, as words, where it raises one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ends, processes = [], []
    for rank in range(2):
        here, there = _server.Pipe()
        process = _server.Process(target=_work, args=(there, rank, port, job, arguments))
        process.start()
        there.close()
        ends.append(here)
        processes.append(process)
    try:
        for process in processes:
            process.join(LIMIT)
        assert [process.exitcode for process in processes] == [0, 0], "None: a process hangs"
        return [end.recv() for end in ends]
    finally:
        for process in processes:
            process.kill()
            process.join()


def _work(answer: Connection, rank: int, port: int, job: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.environ |= {
        "TORCHELASTIC_RUN_ID": "pair", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GROUP_RANK": "0",
        "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank),
        "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    try:
        answer.send(job(rank, *arguments))
    except Exception as error:
        answer.send(f"{type(error).__name__}: {error}")
