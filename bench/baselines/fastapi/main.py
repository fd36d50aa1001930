"""The service that Sluice replaces, as a baseline for `bun run bench --baseline fastapi`.

FastAPI checks one event a request with pydantic, and confluent-kafka is given it. It is answered before Kafka has it: what
is in the client's queue when the process dies is lost, although it was answered with 202. At an orderly end the queue is flushed.
"""

from contextlib import asynccontextmanager
from os import environ

from confluent_kafka import Producer
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, constr

NonEmpty = constr(min_length=1)


class RegisteredEvent(BaseModel):
    model_config = ConfigDict(extra="allow")

    event_type: NonEmpty
    user_id: NonEmpty
    timestamp: str | None = None
    metadata: dict | None = None


settings = {"bootstrap.servers": environ["KAFKA_BROKERS"], "acks": "all", "linger.ms": 5}
topic = environ["KAFKA_TOPIC"]
kafka = Producer(settings)


@asynccontextmanager
async def lifespan(_: FastAPI):
    yield
    kafka.flush(20)


app = FastAPI(lifespan=lifespan)


@app.post("/register_event", status_code=202)
async def register_event(event: RegisteredEvent):
    kafka.produce(topic, value=event.model_dump_json(exclude_none=True))
    kafka.poll(0)
    return {"status": "queued"}


@app.get("/get_status")
async def get_status():
    return {"status": "ok"}
