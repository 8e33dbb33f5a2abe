"""Bounded publish and subscribe between threads of one process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Subscription(Generic[T]):
    """One reader's bounded queue.

    ``must`` readers make the publisher wait when they are full, which in the end stops the broker from sending (nothing is
    lost). Others lose their oldest item; ``missed`` counts it and the reader is expected to start from a snapshot again.
    """

    def __init__(self, topic: Topic[T], size: int, must: bool, wake: Callable[[], None] | None) -> None:
        self._queue: queue.Queue[T] = queue.Queue(size)
        self._topic = topic
        self._wake = wake
        self._must = must
        self.missed = 0

    def offer(self, item: T) -> None:
        if self._must:
            self._queue.put(item)
        else:
            while True:
                try:
                    self._queue.put_nowait(item)
                    break
                except queue.Full:
                    self.missed += 1
                    self.next(timeout=0)
        if self._wake is not None:
            self._wake()

    def next(self, timeout: float | None = None) -> T | None:
        """The next item, or None when none came within ``timeout`` seconds (None waits for ever)."""
        try:
            return self._queue.get(timeout=timeout) if timeout != 0 else self._queue.get_nowait()
        except queue.Empty:
            return None

    @property
    def depth(self) -> int:
        return self._queue.qsize()

    def close(self) -> None:
        self._topic.remove(self)


class Topic(Generic[T]):
    """Hands each published item to every subscription, in the order of publication."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription[T], ...] = ()

    def subscribe(self, size: int, *, must: bool = False, wake: Callable[[], None] | None = None) -> Subscription[T]:
        """``wake`` is called after each offer, from the publisher's thread: it must only signal."""
        subscription = Subscription(self, size, must, wake)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def remove(self, subscription: Subscription[T]) -> None:
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def publish(self, item: T) -> None:
        for subscription in self._subscriptions:
            subscription.offer(item)
