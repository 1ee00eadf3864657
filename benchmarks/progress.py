"""How long a measurement still takes, on standard error."""

import sys
from time import monotonic


class Progress:
    """One line on stderr before every step, with the time that is left if all goes on as so far."""

    def __init__(self, steps: dict[str, float]) -> None:
        """The steps by name, each with a guess of its seconds; only their proportions matter in the end."""
        self.steps, self.begun, self.number, self.guessed = steps, monotonic(), 0, 0.0

    def __call__(self, step: str) -> None:
        """Begin the next step."""
        left = sum(self.steps.values()) - self.guessed
        if self.guessed:
            left *= (monotonic() - self.begun) / self.guessed
        self.number += 1
        self.guessed += self.steps[step]
        print(f"{self.number} of {len(self.steps)}: {step}; about {left / 60:.1f} minutes left", file=sys.stderr,
              flush=True)
