"""How a radiograph was taken and shown: field, turn, penetration, contrast, noise, file. Independent of the class."""

from dataclasses import dataclass

import cv2
import numpy as np

from tools.samples._drawing import Array, Grid, Pixels, field


@dataclass(frozen=True)
class Exposure:
    """One way to take and show a picture."""

    width: int
    height: int
    reach: float  # half width of the picture in half widths of the rib cage
    middle: float  # height of the picture's middle
    breath: float  # 1 is deep
    turn: float  # of the patient, brightens one side
    low: float  # density shown black
    high: float  # density shown white
    gamma: float
    noise: float
    blur: float  # pixels
    lines: int  # cables and tubes
    marker: bool
    quality: int

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Exposure":
        """Draw an exposure."""
        width = int(rng.integers(150, 215))
        return cls(
            width=width,
            height=int(width * rng.uniform(0.72, 1.02)),
            reach=rng.uniform(1.05, 1.35),
            middle=rng.uniform(-0.08, 0.1),
            breath=rng.uniform(0.3, 1.0),
            turn=rng.normal(0, 0.045),
            low=rng.uniform(0.06, 0.26),
            high=rng.uniform(0.95, 1.2),
            gamma=rng.uniform(0.75, 1.35),
            noise=rng.uniform(0.002, 0.012),
            blur=rng.uniform(0.3, 1.1),
            lines=int(rng.integers(1, 4)) if rng.random() < 0.3 else 0,
            marker=bool(rng.random() < 0.55),
            quality=int(rng.integers(72, 86)),
        )

    def grid(self) -> Grid:
        """Lay the thorax into the picture."""
        pixel = 2 * self.reach / self.width
        return Grid.of(self.width, self.height, pixel, (self.width / 2, self.height / 2 - self.middle / pixel))

    def show(self, density: Array, rng: np.random.Generator) -> Pixels:
        """Turn densities (H, W) into gray levels."""
        noisy = cv2.GaussianBlur(density, (0, 0), self.blur) + self.noise * field(rng, density.shape, 1.2)
        shown = np.clip((noisy - self.low) / (self.high - self.low), 0, 1) ** self.gamma
        return np.asarray(np.rint(shown * 250), np.uint8)
