"""stub"""


def start(*a): ...
def is_running(n):
    return False


def strip(*a, **k): ...
