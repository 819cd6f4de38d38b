"""`connector health`: exit code 0 when the service is well, for container health checks."""

from __future__ import annotations

import click

from connector.commands.context import Context, pass_context


@click.command()
@click.option("--worker", is_flag=True, help="Ask for a worker seen lately, instead of the web server.")
@pass_context
def health(context: Context, worker: bool) -> None:
    """Whether the web server of this host answers (or, with --worker, whether a worker is alive)."""
    settings = context.settings
    if worker:
        from connector.web.vitals import reasons
        from connector.wiring import open_store, utc_now

        store = open_store(settings)
        try:
            missing = reasons(store, utc_now())
        finally:
            store.close()
        click.echo("\n".join(missing) or "a worker is alive")
        raise SystemExit(1 if missing else 0)
    import requests

    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    try:
        answer = requests.get(f"http://{host}:{settings.port}/healthz", timeout=4, allow_redirects=False)
    except requests.RequestException as error:
        click.echo(f"no answer: {type(error).__name__}", err=True)
        raise SystemExit(1) from None
    click.echo(f"status {answer.status_code}")
    raise SystemExit(0 if answer.status_code == 200 else 1)
