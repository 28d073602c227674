"""The checks of lesson 00: a number and a choice, to meet what a check can say."""

from helpers.checks.frame import NotYet, close, describe, exercise, explain, require

SIDE, KINDS = 28, 10
_SLIPS = (
    (SIDE, "28 is one row of the image. There are 28 rows of 28 pixels."),
    (2 * SIDE, "you added the sides. 28 rows of 28 pixels are a product."),
    (4 * SIDE, "that is the way around the image. Its inside counts, too: 28 rows of 28 pixels."),
    (4 * SIDE - 4, "these are the pixels at the edge. Count those inside, too: 28 rows of 28."),
    ((SIDE - 1) ** 2, "you counted the gaps between pixels, 27 in a row. There are 28 pixels in a row."),
    (SIDE**2 / 2, "that is half of them: one of the two triangles. All 28 rows have 28 pixels."),
    (SIDE**3, "one 28 too many: rows times columns. There is no third side."),
    (SIDE**2 * 3, "the images are gray: one number for each pixel, not three for its colors."),
    (SIDE**2 * KINDS, "that is for ten images. One image is wanted."),
    (SIDE**2 + KINDS, "you added the ten numbers that come out. Count only what goes in."),
    (256, "256 is how many shades of gray a pixel can have. Count the pixels."),
    (255, "255 is the whitest that a pixel can be. Count the pixels."),
    (KINDS, "ten is how many kinds of clothes there are, and how many numbers come out. What goes in?"),
)


@exercise(
    hints=(
        "How many rows has the image, and how many pixels has one row?",
        "Every row has the same number of pixels. So many rows of so many pixels: that is a product.",
        "Let Python multiply: `pixels = rows * columns`, with the numbers of this image.",
    )
)
def pixels(answer):
    """Check the number of pixels of an image of 28 × 28."""
    require(not isinstance(answer, str), "that is text. Write the number, without quotation marks.")
    explain(answer, _SLIPS)
    close(answer, SIDE**2, what="your number")
    return "28 × 28 = 784. Every network of this course has 784 inputs, one for each pixel."


OPTIONS = {
    "a": "the last layer has fewer numbers than the first",
    "b": "whatever image goes in, nearly the same comes out",
    "c": "the network has learned the images by heart",
    "d": "the last layer works best, for its numbers are nearly without error",
    "e": "the images are all black",
}
RIGHT = "b"
ONE = "choose one letter. Which one says the most about the last picture?"
_WHYS = {
    "a": "all layers have a hundred numbers. The spike is high because they all lie in one place.",
    "c": "nothing was trained in this lab. You see a network as it was drawn, before it learns anything.",
    "d": "these numbers are no errors: they are all that the later layers see of the image. "
    "If they are nearly the same for every image, what is left to tell a shirt from a shoe?",
    "e": "the first of the ten pictures comes from the same images, and it is broad. "
    "The images are fine when they go in.",
}


@exercise(
    hints=(
        "Look at the first of the ten pictures, then at the last. What is different about the numbers?",
        "A spike says: a hundred numbers for each of a thousand images, all of them the same. "
        "What can the answer depend on, then?",
        "If the last layer gives the same numbers for a shirt and a shoe, the network's answer for both is …",
    )
)
def spike(answer):
    """Check what a spike in the last picture means: one letter of five."""
    letter = _letter_of(answer)
    if letter != RIGHT:
        raise NotYet(f"({letter}) {_WHYS[letter]}")
    return (
        "nearly the same comes out for a shirt and for a shoe, so nothing is left to tell them apart by. "
        "That is one way for a deep network to fail. You will meet others."
    )


def _letter_of(answer):
    """The letter that is meant, in any case, with or without brackets, or the text of an option."""
    require(not callable(answer), 'that is a function. Write one letter in quotation marks, like "a".')
    several = isinstance(answer, list | tuple | set | dict)
    require(not several, ONE)
    require(isinstance(answer, str), f"{describe(answer)} is no letter. Write one in quotation marks.")
    said = answer.strip().strip("()[].:").strip().casefold()
    require(said, "that is an empty text. Write one letter between the quotation marks.")
    told = {text.casefold(): letter for letter, text in OPTIONS.items()}
    if said in OPTIONS or said in told:
        return told.get(said, said)
    parts = said.replace(",", " ").replace("and", " ").replace("or", " ").split()
    listed = len(parts) > 1 and all(part in OPTIONS for part in parts)
    joined = 1 < len(said) <= len(OPTIONS) and set(said) <= set(OPTIONS)
    require(not listed and not joined, ONE)
    require(len(said) == 1, f"write the letter alone, not words. The letters are {', '.join(OPTIONS)}.")
    raise NotYet(f"there is no ({said}). The letters are {', '.join(OPTIONS)}.")
