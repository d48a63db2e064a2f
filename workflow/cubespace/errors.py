"""The two ways in which input can be wrong."""


class CubespaceError(Exception):
    """Something the user can mend: the message names the file, the item, what was found and what is allowed."""


class CubeRejected(CubespaceError):
    """One galaxy cannot be used; the others go on.

    `code` is a short machine-readable reason (``truncated``, ``redshift_missing``, ...), `detail` a sentence.
    """

    def __init__(self, code, detail):
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail
