"""A web site that behaves as badly as the real ones, and knows every byte that it said.

    with Site.made(folder).serving() as site:
        site.start_url, site.hosts, site.spki, site.root_file
        ...
    site.wire.write(folder / "wire")

    python -m holdfast.testing.hostile FOLDER COMMAND...    # serves while the command runs

It stands on the loopback with real TLS, speaks HTTP/1.1 (every byte is ours) and HTTP/2, and
records on its own sockets, inside TLS, what it received and sent: the ground truth that a capture
is held to (`compare`). Each awkward exchange is a function in `exchanges/`, with a page of its own
(`/page/NAME`); the start page (`/`) makes all of them happen in one load.
"""
