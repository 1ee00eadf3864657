"""A model of threads that share the interpreter's lock, to ask what other numbers of threads would give.

A thread holds the lock while Python runs, and lets go of it while NumPy computes: a forward pass is a list of such
calls. Who finds the lock taken sleeps, and whoever lets go of it wakes one of those who wait, which takes time on both
sides. The lock is free meanwhile: another thread may take it first, and then the woken one sleeps again. Every thread
has a core of its own, and what NumPy computes on one core takes no longer while the others compute as well.
"""

import heapq
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True)
class Call:
    """A call of NumPy and the Python before it, in seconds: with the lock, and after it without."""

    held: float
    free: float


Part = list[Call]
Region = list[Part]
"""Parts that the threads take in turn, or a single one: what the main thread does alone."""


@dataclass(frozen=True)
class Costs:
    """What threads cost on a machine, in seconds.

    signal: to wake another thread, for the one that does. wake: from then on, until the other one runs. call: with the
    lock, in every call of NumPy, however small its arrays.
    """

    signal: float
    wake: float
    call: float


@dataclass
class Outcome:
    """How long it takes, and what the threads do in that time, in seconds of all together."""

    threads: int
    seconds: float = 0.0
    computing: float = 0.0                             # in NumPy, without the lock
    holding: float = 0.0                               # in Python, with the lock
    waiting: float = 0.0                               # for the lock, waking included
    signalling: float = 0.0                            # to wake others

    @property
    def idle(self) -> float:
        """What is left: without a part to work on, or waking for one."""
        return self.threads * self.seconds - self.computing - self.holding - self.waiting - self.signalling


Thread = Generator[float | None, None, None]
"""What a thread does: it yields the seconds that pass until it goes on, or None to sleep until another one wakes it."""


@dataclass
class Job:
    """A region that is being computed: the parts that nobody has taken, and how many helpers are at work on it."""

    waiting: deque[Part]
    at_work: int = 0
    main: Thread | None = None                         # the main thread, once it sleeps until the helpers have ended


@dataclass
class Simulation:
    """The threads of one pass, in the order of their time."""

    costs: Costs
    outcome: Outcome
    locked: bool = True                                # False: an interpreter without the lock
    now: float = 0.0
    taken: bool = False                                # whether some thread holds the lock
    queue: deque[Thread] = field(default_factory=deque)                 # who sleeps until it is free
    agenda: list[tuple[float, int, Thread]] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)                # for what is due at the same time: in turn

    def go_on(self, thread: Thread, seconds: float) -> None:
        """Let a thread go on in so many seconds."""
        heapq.heappush(self.agenda, (self.now + seconds, next(self.numbers), thread))

    def run(self, main: Thread) -> None:
        """Everything until all threads have ended."""
        self.go_on(main, 0)
        while self.agenda:
            self.now, _, self.running = heapq.heappop(self.agenda)
            seconds = next(self.running, None)
            if seconds is not None:
                self.go_on(self.running, seconds)

    def acquire(self) -> Thread:
        """Take the lock, if need be after a sleep."""
        start = self.now
        while self.taken:
            self.queue.append(self.running)
            yield None
        self.taken = self.locked
        self.outcome.waiting += self.now - start

    def release(self) -> Thread:
        """Let go of the lock, and wake one who waits for it."""
        self.taken = False
        if self.queue:
            yield from self.wake(self.queue.popleft())

    def wake(self, thread: Thread) -> Thread:
        """Wake a thread that sleeps."""
        self.go_on(thread, self.costs.signal + self.costs.wake)
        yield self.costs.signal
        self.outcome.signalling += self.costs.signal

    def compute(self, part: Part) -> Thread:
        """The calls of a part, one after the other."""
        for call in part:
            yield from self.acquire()
            yield call.held
            yield from self.release()
            yield call.free
            self.outcome.holding += call.held
            self.outcome.computing += call.free

    def work(self, job: Job) -> Thread:
        """Parts of a job, until none is left."""
        while True:
            yield from self.acquire()
            part = job.waiting.popleft() if job.waiting else None
            yield from self.release()
            if part is None:
                return
            yield from self.compute(part)

    def help(self, job: Job) -> Thread:
        """A helper's work on a job; the last one to end wakes the main thread."""
        job.at_work += 1
        yield from self.work(job)
        job.at_work -= 1
        if job.main is not None and not job.at_work:
            yield from self.wake(job.main)

    def main(self, program: list[Region]) -> Thread:
        """The main thread, which begins every region, takes part in it, and waits for the helpers that have begun."""
        for region in program:
            helpers = min(self.outcome.threads, len(region)) - 1
            job = Job(deque(region))
            for _ in range(helpers):
                yield from self.wake(self.help(job))
            yield from self.work(job)
            if job.at_work:
                job.main = self.running
                yield None
        self.outcome.seconds = self.now


def simulate(program: list[Region], threads: int, costs: Costs, locked: bool = True) -> Outcome:
    """A pass whose regions are computed by so many threads, on as many cores at least."""
    simulation = Simulation(costs, Outcome(threads), locked)
    simulation.run(simulation.main(program))
    return simulation.outcome
