#!/usr/bin/env bash
# One command for what an operator does with the service. systemctl and kmm do the work; this only saves typing.
set -euo pipefail

readonly NAME=kalshi-market-maker
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
readonly ROOT

usage() {
    cat <<END
Usage: $(basename -- "$0") COMMAND [--user] [OPTION...]

  start    start it, and wait until it quotes
  stop     cancel everything, prove it, end
  restart  stop, then start
  reload   take over the settings that may change while it runs
  status   what systemd and the bot itself say of it
  logs     follow its log (OPTION: of journalctl, for example -n 100, -p err)
  install  check everything, write the unit, enable and start it (OPTION: of kmm service install)

  --user   your own systemd instead of the machine's
END
}

scope=()
options=()
for word in "${@:2}"; do
    if [[ $word == --user ]]; then scope=(--user); else options+=("$word"); fi
done

# Root may do everything; for your own systemd you are enough.
as_needed() {
    if [[ ${#scope[@]} -gt 0 || $EUID -eq 0 ]]; then "$@"; else sudo -- "$@"; fi
}

manager() {
    as_needed systemctl "${scope[@]}" "$@"
}

install_unit() {
    cd -- "$ROOT"
    as_needed .venv/bin/kmm service install "${scope[@]}" "${options[@]}"
    for option in "${options[@]}"; do
        if [[ $option == --dry-run ]]; then return; fi
    done
    manager daemon-reload
    manager enable --now "$NAME"
}

case ${1-} in
    start | stop | restart | reload) manager "$1" "$NAME" ;;
    status) systemctl "${scope[@]}" status --no-pager "$NAME" "${options[@]}" ;;
    logs) as_needed journalctl "${scope[@]}" --unit="$NAME" --follow "${options[@]}" ;;
    install) install_unit ;;
    -h | --help | help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
