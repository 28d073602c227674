"""Many runs at once: a function over a list of settings, on the cores at hand or on a Dask cluster."""

from contextlib import contextmanager

from joblib import Parallel, delayed, parallel_config


def run_all(function, settings, *, jobs=1, dask=None) -> list:
    """Return `function(setting)` for every setting, in their order, whatever the order of the work.

    `jobs` processes share the work; 1 does it here, one after another. `dask` is the address of a scheduler,
    or a `distributed.Client`: then its workers do it, who need the course's folder on their path, and the
    images.
    """
    with placed(jobs, dask):
        return Parallel()(delayed(function)(setting) for setting in settings)


@contextmanager
def placed(jobs, dask):
    """Say for the time of a context where joblib works; a client made here is closed again."""
    if dask is None:
        with parallel_config(backend="loky" if jobs != 1 else "sequential", n_jobs=jobs):
            yield
        return
    from distributed import Client

    client = dask if isinstance(dask, Client) else Client(dask)
    try:
        with client.as_current(), parallel_config(backend="dask", client=client):
            yield
    finally:
        if client is not dask:
            client.close()
