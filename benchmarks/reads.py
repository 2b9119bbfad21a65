"""Asks for paths one after the other over some connections, in a process of its own.

Run by windows.py: a JSON object on stdin has `url`, `paths`, `connections`, `headers` and `per_second` (0: as fast as
answers come; else each request is sent at its own time). Prints latencies in ms, times to the first byte, how many
bytes and which statuses came, and the seconds it all took, as JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp
import uvloop


async def ask(client: aiohttp.ClientSession, told: dict[str, Any], path: str, due: float) -> dict[str, Any]:
    async with client.get(told["url"] + path, headers=told["headers"]) as answer:
        first = time.perf_counter()
        size = 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
        return {
            "latency_ms": 1000 * (time.perf_counter() - due),
            "first_ms": 1000 * (first - due),
            "bytes": size,
            "status": answer.status,
        }


async def in_turn(client: aiohttp.ClientSession, told: dict[str, Any], paths: Iterator[str]) -> list[dict[str, Any]]:
    return [await ask(client, told, path, time.perf_counter()) for path in paths]


async def in_time(client: aiohttp.ClientSession, told: dict[str, Any]) -> list[dict[str, Any]]:
    async def at(due: float, path: str) -> dict[str, Any]:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        return await ask(client, told, path, due)

    start = time.perf_counter() + 0.1
    return await asyncio.gather(*(at(start + n / told["per_second"], path) for n, path in enumerate(told["paths"])))


async def run(told: dict[str, Any]) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        started = time.perf_counter()
        if told["per_second"]:
            answers = await in_time(client, told)
        else:
            paths = iter(told["paths"])
            turns = await asyncio.gather(*(in_turn(client, told, paths) for _ in range(told["connections"])))
            answers = [answer for turn in turns for answer in turn]
        seconds = time.perf_counter() - started
    figures = {name: sorted(answer[name] for answer in answers) for name in ("latency_ms", "first_ms", "bytes")}
    statuses = Counter(str(answer["status"]) for answer in answers)
    json.dump(figures | {"statuses": statuses, "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    uvloop.run(run(json.load(sys.stdin)))
