"""Step `crop`: cut to the body, so that black margins and their width do not reach the model."""

from collections.abc import Iterable

import cv2

from src.config import Crop
from src.images.pixels import Pixels, to_gray
from src.preprocess.pipeline import Box, Frame


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Cut to the body as found on the image before CLAHE, which lifts noise in black margins above the threshold.

    Without `clahe` before it the body is found on the image itself. The box is left in `frame.box`.
    """
    seen = image if frame.before_clahe is None else frame.before_clahe
    box = body(to_gray(seen), frame.section.crop)
    frame.box = box = _scaled(box, seen.shape, image.shape)
    return image[box.top : box.bottom, box.left : box.right]


def body(gray: Pixels, params: Crop) -> Box:
    """Find the union of the bounding boxes of the body contours in an image (H, W) of any size.

    Return the whole image if there is no contour, or if the box covers less than `min_box` of the image: in a tight
    slice the body itself is above `max_area`, and what is left may be a letter in a corner.
    """
    mean = cv2.blur(gray, (params.blur, params.blur))
    _, mask = cv2.threshold(mean, params.threshold, 255, cv2.THRESH_BINARY)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    large = (c for c in contours if params.min_area < cv2.contourArea(c) < params.max_area * gray.size)
    boxes = (Box(x, y, x + width, y + height) for x, y, width, height in map(cv2.boundingRect, large))
    box = union((box for box in boxes if not _is_strip(box, params)), gray.shape)
    covered = (box.right - box.left) * (box.bottom - box.top) / gray.size
    return box if covered >= params.min_box else union((), gray.shape)


def union(boxes: Iterable[Box], shape: tuple[int, ...]) -> Box:
    """Return the smallest box around all boxes, or the whole image (H, W) if there are none."""
    found = list(boxes)
    if not found:
        return Box(0, 0, shape[1], shape[0])
    lefts, tops, rights, bottoms = zip(*found, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def _is_strip(box: Box, params: Crop) -> bool:
    """True if the box looks like the edge of a table or a scale: narrow in one direction and long in the other."""
    short, long = sorted((box.right - box.left, box.bottom - box.top))
    return short < params.narrow and long > params.long


def _scaled(box: Box, seen: tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """Scale a box to the present image, in case a step resized it since; round outwards, so no body is cut off."""
    if seen[:2] == shape[:2]:
        return box
    x, y = shape[1] / seen[1], shape[0] / seen[0]
    return Box(int(box.left * x), int(box.top * y), -int(-box.right * x // 1), -int(-box.bottom * y // 1))
