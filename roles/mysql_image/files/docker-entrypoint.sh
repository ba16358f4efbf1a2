#!/bin/bash -eu
# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prepares the data directory of a new MySQL server, then becomes the server.
# Understands the variables of the public mysql image; any other command is simply run.
# Not by env: the kernel then calls the process by the script's name, by which one sees that a server is coming up.
set -euo pipefail
shopt -s dotglob nullglob

readonly DATA=/var/lib/mysql
# A new data directory is made here and moved into place when it is complete, so that a container
# which is killed during its first start starts over instead of serving half a database.
readonly DRAFT=$DATA/initialising.tmp # not hidden: InnoDB does not look into hidden folders
readonly DRAFT_SOCKET=/run/mysqld/initialising.sock

say() {
    printf '%s [entrypoint] %s\n' "$(date --utc +%Y-%m-%dT%H:%M:%SZ)" "$*"
}

die() {
    printf '[entrypoint] ERROR: %s\n' "$*" >&2
    exit 1
}

# NAME may be given as NAME or, for secrets, as a file that holds the value: NAME_FILE.
file_env() {
    local name=$1 file_name=${1}_FILE
    if [[ -n ${!name:-} && -n ${!file_name:-} ]]; then
        die "$name and $file_name exclude each other"
    fi
    if [[ -n ${!file_name:-} ]]; then
        [[ -r ${!file_name} ]] || die "$file_name names a file that cannot be read: ${!file_name}"
        export "$name=$(<"${!file_name}")"
    fi
    unset "$file_name"
}

# The value as an SQL string literal, whatever characters it has.
sql_string() {
    local value=${1//\\/\\\\}
    printf "'%s'" "${value//\'/\\\'}"
}

# The name of a database as a GRANT has it: a pattern, in which % and _ stand for others unless a \ is before them.
grant_pattern() {
    local value=${1//\\/\\\\}
    value=${value//_/\\_}
    sql_name "${value//%/\\%}"
}

# The value as an SQL identifier.
sql_name() {
    printf "\`%s\`" "${1//\`/\`\`}"
}

check_settings() {
    if [[ -z ${MYSQL_ROOT_PASSWORD:-} && -z ${MYSQL_ALLOW_EMPTY_PASSWORD:-} && -z ${MYSQL_RANDOM_ROOT_PASSWORD:-} ]]; then
        die "the database is not initialised and no password is given." \
            "Set one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD and MYSQL_RANDOM_ROOT_PASSWORD"
    fi
    if [[ ${MYSQL_USER:-} == root ]]; then
        die "MYSQL_USER is for an ordinary user; root has MYSQL_ROOT_PASSWORD"
    fi
    if [[ -n ${MYSQL_USER:-} && -z ${MYSQL_PASSWORD:-} ]]; then
        die "MYSQL_USER needs MYSQL_PASSWORD"
    fi
    if [[ -n ${MYSQL_PASSWORD:-} && -z ${MYSQL_USER:-} ]]; then
        die "MYSQL_PASSWORD is the password of MYSQL_USER, which is not set"
    fi
}

setup_sql() {
    local password
    # With NO_BACKSLASH_ESCAPES the literals below would be others.
    printf "SET SESSION sql_mode = '';\n"
    if [[ -n ${MYSQL_DATABASE:-} ]]; then
        printf 'CREATE DATABASE IF NOT EXISTS %s;\n' "$(sql_name "$MYSQL_DATABASE")"
    fi
    if [[ -n ${MYSQL_USER:-} ]]; then
        printf "CREATE USER %s@'%%' IDENTIFIED BY %s;\n" "$(sql_string "$MYSQL_USER")" "$(sql_string "$MYSQL_PASSWORD")"
        if [[ -n ${MYSQL_DATABASE:-} ]]; then
            printf "GRANT ALL ON %s.* TO %s@'%%';\n" "$(grant_pattern "$MYSQL_DATABASE")" "$(sql_string "$MYSQL_USER")"
        fi
    fi
    password=$(sql_string "${MYSQL_ROOT_PASSWORD:-}")
    if [[ ${MYSQL_ROOT_HOST:-%} != localhost ]]; then
        printf "CREATE USER 'root'@%s IDENTIFIED BY %s;\n" "$(sql_string "${MYSQL_ROOT_HOST:-%}")" "$password"
        printf "GRANT ALL ON *.* TO 'root'@%s WITH GRANT OPTION;\n" "$(sql_string "${MYSQL_ROOT_HOST:-%}")"
    fi
    printf "ALTER USER 'root'@'localhost' IDENTIFIED BY %s;\n" "$password"
}

# The client for the temporary server. MYSQL_PWD, because an argument would show in the process list.
draft_client() {
    MYSQL_PWD=${MYSQL_ROOT_PASSWORD:-} mysql --no-defaults --default-character-set=utf8mb4 \
        --protocol=socket --socket="$DRAFT_SOCKET" --user=root "$@"
}

run_init_files() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) say "running $file" && bash "$file" ;;
            *.sql) say "running $file" && draft_client ${MYSQL_DATABASE:+--database="$MYSQL_DATABASE"} <"$file" ;;
            *.sql.gz)
                say "running $file"
                gunzip --stdout "$file" | draft_client ${MYSQL_DATABASE:+--database="$MYSQL_DATABASE"}
                ;;
            *) say "ignoring $file" ;;
        esac
    done
}

# What may safely be fast: the draft is thrown away if anything happens before it is complete.
readonly DRAFT_OPTIONS=(
    --datadir="$DRAFT"
    --innodb-flush-log-at-trx-commit=0
    --innodb-doublewrite=OFF
    --skip-log-bin
)

make_draft() {
    local server attempt
    say "initialising the database"
    rm -rf "$DRAFT"
    mkdir -p "$DRAFT"
    "$@" "${DRAFT_OPTIONS[@]}" --initialize-insecure
    say "starting a temporary server, without network"
    "$@" "${DRAFT_OPTIONS[@]}" --skip-networking --mysqlx=OFF --socket="$DRAFT_SOCKET" \
        --pid-file=/run/mysqld/initialising.pid &
    server=$!
    for ((attempt = 0; attempt < 1200; attempt++)); do
        if [[ -S $DRAFT_SOCKET ]] && MYSQL_ROOT_PASSWORD='' draft_client --execute 'DO 0' &>/dev/null; then
            break
        fi
        kill -0 "$server" 2>/dev/null || die "the temporary server ended; see the lines above"
        sleep 0.1
    done
    ((attempt < 1200)) || die "the temporary server did not answer within 120 seconds"
    if [[ -z ${MYSQL_ROOT_PASSWORD:-} && -n ${MYSQL_RANDOM_ROOT_PASSWORD:-} ]]; then
        MYSQL_ROOT_PASSWORD=$(head -c 24 /dev/urandom | base64)
        export MYSQL_ROOT_PASSWORD
        say "GENERATED ROOT PASSWORD: $MYSQL_ROOT_PASSWORD"
    fi
    setup_sql | MYSQL_ROOT_PASSWORD='' draft_client
    run_init_files
    kill "$server"
    wait "$server"
    touch "$DRAFT/.complete"
}

# Can be repeated if it is interrupted.
publish_draft() {
    local file
    for file in "$DRAFT"/*; do
        [[ $file == "$DRAFT/.complete" ]] || mv "$file" "$DATA/"
    done
    rm -rf "$DRAFT"
    say "the database is ready for its first start"
}

prepare_data() {
    if [[ ! -e $DRAFT && -d $DATA/mysql ]]; then
        return
    fi
    if [[ ! -e $DRAFT/.complete ]]; then
        check_settings
        make_draft "$@"
    fi
    publish_draft
}

main() {
    local argument name
    # Nothing but options: they are for the server.
    if [[ $# -eq 0 || $1 == -* ]]; then
        set -- mysqld "$@"
    fi
    if [[ $1 != mysqld ]]; then
        exec "$@"
    fi
    for argument in "$@"; do
        case $argument in
            --help | -\? | --verbose | --version | -V | --print-defaults) exec "$@" ;;
        esac
    done
    if [[ $(id -u) -eq 0 ]]; then
        # A volume that was mounted may belong to anybody, and may have links that lead out of it.
        find "$DATA" /run/mysqld ! -user mysql -execdir chown --no-dereference mysql:mysql {} +
        exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
    fi
    for name in MYSQL_ROOT_PASSWORD MYSQL_ROOT_HOST MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD; do
        file_env "$name"
    done
    prepare_data "$@"
    exec "$@"
}

main "$@"
