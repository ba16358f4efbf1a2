#!/bin/sh
# SPDX-FileCopyrightText: The linklab.docker maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Called by mmdebstrap: turns the file system ROOT into that of the image, with the files in FOLDER.
set -eu
root=$1
folder=$2

chroot "$root" groupadd --system --gid 999 mysql
chroot "$root" useradd --system --uid 999 --gid mysql --home-dir /var/lib/mysql --no-create-home \
    --shell /bin/false mysql
chroot "$root" install -d /docker-entrypoint-initdb.d /etc/mysql/conf.d
chroot "$root" install -d -o mysql -g mysql /run/mysqld /var/lib/mysql
chroot "$root" install -d -o mysql -g mysql -m 0750 /var/lib/mysql-files
# The data directory is the volume's business, not the image's.
find "$root/var/lib/mysql" -mindepth 1 -delete
install -m 0755 "$folder/docker-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
install -m 0755 "$folder/mysql-healthcheck.sh" "$root/usr/local/bin/mysql-healthcheck"
install -m 0644 "$folder/my.cnf" "$root/etc/mysql/my.cnf"
# Has this host's proxies, perhaps with their passwords.
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
# A mirror can have a password in its address, too.
find "$root/etc/apt" -name '*.list' -exec sed -i 's|//[^/@ ]*@|//|' {} +
chmod -R u=rwX,go=rX "$root/etc/apt"
