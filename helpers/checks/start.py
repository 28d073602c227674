"""The check of notebook 00: one tiny exercise, to meet the three things that a check can say."""

from helpers.checks.frame import close, exercise, explain

SIDE = 28
_HINTS = (
    (SIDE, "28 is one side of the picture. There are 28 rows of 28 pixels."),
    (2 * SIDE, "you added the sides. 28 rows of 28 pixels are a product."),
    (4 * SIDE, "that is the way around the picture. 28 rows of 28 pixels are a product."),
    (SIDE**2 * 3, "the images are gray: one number for each pixel, not three."),
    (256, "256 is how many shades a pixel can have. Count the pixels."),
)


@exercise
def pixels(answer):
    """Check the number of pixels of an image of 28 × 28."""
    explain(answer, _HINTS)
    close(answer, SIDE**2, what="your number")
    return "28 × 28 = 784. Every network of this course has 784 inputs, one for each pixel."
