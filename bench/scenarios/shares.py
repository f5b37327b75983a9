"""How many images of a data set are for repair, and how many for validation."""

from repair.errors import InputError


def shares(
    count: int, repair: int | None, validation: int | None, what: str, *, held_back: bool = False
) -> tuple[int, int]:
    """The numbers of images for repair and for validation, of `count` images.

    Args:
        count: how many images there are.
        repair: the setting `repair_images`; None for half of them.
        validation: the setting `validation_images`; None for all the others, or half of these where some are held
            back.
        what: what the images are, for the message.
        held_back: whether at least one must be left, to test on.

    Raises:
        InputError: the settings want more images than there are, or fewer than one.
    """
    first = count // 2 if repair is None else repair
    second = (count - first) // (1 + held_back) if validation is None else validation
    if min(first, second) < 1 or first + second + held_back > count:
        raise InputError(
            f"repair_images={first} and"
            f" validation_images={'null' if validation is None else validation} of the {count} {what}:"
            " expected at least 1 each"
            f" and no more than there are in all{', one left to test on' if held_back else ''}."
        )
    return first, second
