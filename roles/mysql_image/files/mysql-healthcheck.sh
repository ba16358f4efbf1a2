#!/usr/bin/env bash
# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Healthy once the server accepts connections over TCP, which the temporary server of the first start
# never does. Needs no password: a refused login, too, is an answer of a server that is ready.
# A container that runs no server (a client, say) has nothing to wait for and is healthy.
set -euo pipefail

runs_server() {
    local file name
    for file in /proc/[0-9]*/comm; do
        # A process may end between the listing and the reading.
        read -r name 2>/dev/null <"$file" || continue
        case $name in
            mysqld | docker-entrypoi) return 0 ;;
        esac
    done
    return 1
}

runs_server || exit 0
# Waits here, so that a new server is reported the moment it is ready and not at the next check.
for _ in {1..40}; do
    if mysqladmin --no-defaults --protocol=tcp --host=127.0.0.1 --user=healthcheck --connect-timeout=2 ping; then
        exit 0
    fi
    sleep 0.25
done 2>/dev/null
exit 1
