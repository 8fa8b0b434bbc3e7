"""Put files into a bucket with the plain client: obstore, as many at once as we have."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
from obstore.store import S3Store

PARALLEL = 8


def main() -> None:
    """Put every file of a folder into a bucket."""
    bucket, endpoint, source = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    store = S3Store(
        bucket,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    prefix = os.urandom(4).hex()
    with ThreadPoolExecutor(PARALLEL) as pool:
        for _ in pool.map(
            lambda path: obstore.put(store, f"{prefix}/{path.name}", path), sorted(source.iterdir())
        ):
            pass


if __name__ == "__main__":
    main()
