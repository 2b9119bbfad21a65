"""Posts signed notices in an open loop: each at its own time, whether earlier ones are answered or not.

Run by webhooks.py in a process of its own: `python load.py URL KEY FIRST COUNT RATE`; a rate of 0 posts all at once.
Prints latencies in ms, counted from when each was due, and how many answers had which status, as JSON.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import aiohttp
import uvloop

from emg_local.notices import Credentials, supabase
from emg_local.uploads import UploadedObject
from emg_local.webhook import Posting

CONNECTIONS = 256


def posting(key: str, number: int) -> Posting:
    uploaded = UploadedObject(
        bucket="recordings", key=object_key(number), size_bytes=1, md5="00" * 16, modified_at=datetime.now(UTC)
    )
    return supabase(uploaded, Credentials(secret=key), uploaded.modified_at)


def object_key(number: int) -> str:
    return f"P{number % 1000:03}/{number:06}.c3d"


async def post(client: aiohttp.ClientSession, url: str, notice: Posting, due: float) -> tuple[float, int]:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    async with client.post(url + notice.path, data=notice.body, headers=notice.headers) as answer:
        await answer.read()
        return 1000 * (time.perf_counter() - due), answer.status


async def run(url: str, key: str, first: int, count: int, rate: float) -> None:
    notices = [posting(key, number) for number in range(first, first + count)]
    due = time.perf_counter() + 0.1
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as client:
        posts = []
        for notice in notices:
            posts.append(asyncio.create_task(post(client, url, notice, due)))
            due += random.expovariate(rate) if rate else 0.0
        answers = await asyncio.gather(*posts)
    statuses = Counter(str(status) for _, status in answers)
    json.dump({"latencies_ms": sorted(latency for latency, _ in answers), "statuses": statuses}, sys.stdout)


if __name__ == "__main__":
    url, key, first, count, rate = sys.argv[1:]
    uvloop.run(run(url, key, int(first), int(count), float(rate)))
