"""Where an Argilla is: reading an address without going there."""

from urllib.parse import urlsplit

from models.errors import LabelingError

CONFIG = "url under [argilla] in config.toml"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def address(url: str) -> str:
    """The root of an Argilla's API and page, without a slash at its end; raises LabelingError where it is none."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise LabelingError(f"{CONFIG} is no http or https address: write it as https://argilla.example.org")
    if parts.username is not None or parts.password is not None:
        raise LabelingError(f"{CONFIG} holds a login; leave it out and name the key's variable in api_key_env")
    if parts.query or parts.fragment:
        raise LabelingError(f"{CONFIG} has a ? or # in it: give the root of Argilla, not one of its pages")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(url: str) -> bool:
    """Tell whether an address leads to this very host."""
    return urlsplit(url).hostname in _LOOPBACK


def is_exposed(url: str) -> bool:
    """Tell whether key and chat text go over a network unencrypted."""
    return urlsplit(url).scheme == "http" and not is_loopback(url)
