"""The exceptions and the warning of the package: each message says what was given, what was expected, what to do."""


class SwinError(Exception):
    """Base of all errors that a user's input can cause; the command line prints it as one sentence and exits with 2."""


class ConfigurationError(SwinError, ValueError):
    """A model that cannot be built: an unknown variant, heads that do not divide the channels, ..."""


class ShapeError(SwinError, ValueError):
    """An array, map or window whose size does not fit."""


class InputError(SwinError, ValueError):
    """Images that are not what a model takes: integer pixels, NaN, an empty batch, an unreadable file."""


class StateDictError(SwinError, KeyError):
    """A state dict with missing, extra or wrongly shaped entries; the message names all of them at once."""

    def __str__(self) -> str:                          # KeyError would print the repr, with the line breaks escaped
        return str(self.args[0])


class CheckpointError(SwinError, ValueError):
    """A checkpoint file that cannot be read, is refused for safety, or is no Swin Transformer."""


class SwinWarning(UserWarning):
    """What was assumed about a file because nothing in it tells, such as the eps of its norms; the sentence says what.

    `warnings.simplefilter("error", swin_np.SwinWarning)` makes an error of it.
    """
