#!/usr/bin/python
# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connectivity
short_description: Prove that a container reaches another one, or say why it does not
version_added: 0.1.0
description:
  - Checks, from inside the network of one container, the source, whether it reaches another one, the target, under a
    name and a port. With O(protocol=mysql) it logs in, and verifies that the server that answers is the target.
  - If the target is not reached, the task fails with one cause, a sentence about these containers, and a task that
    fixes it. With O(expect=unreachable) it fails if the target is reached.
  - 'The checks run in this order, and stop at the first that fails: the source runs; the target runs and is not
    unhealthy; there is a link, a shared network, or a shared network namespace; the name resolves in the source, to the
    target and to nothing else; a TCP connection is accepted; a MySQL server greets; the login works; the hostname that
    the server reports is the target''s.'
  - Uses the programs that the source has (C(getent), C(python3), C(nslookup) or C(busybox) for names; C(bash),
    C(python3), C(nc) or C(busybox) for TCP; C(bash) or C(python3) for UDP; C(mysql) or C(mariadb)). If the source lacks
    one, or has no shell, the check runs in a helper container that briefly shares its network. The helper runs as
    nobody, without any capability, and with everything read-only. It has the label C(linklab.docker.helper) and exits
    on its own within a minute; the engine then removes it, even if the task was killed.
  - Nothing else is created, and nothing is changed.
author:
  - The linklab.docker maintainers (@linklab)
extends_documentation_fragment:
  - linklab.docker._docker
  - linklab.docker._attributes
  - linklab.docker._attributes.actiongroup_docker
attributes:
  check_mode:
    support: full
    details:
      - Runs the same checks, since they change nothing. Does not pull an image, whatever O(pull) says.
  diff_mode:
    support: N/A
    details:
      - Changes nothing, except that O(pull) can allow it to pull an image.
  idempotent:
    support: full
options:
  source:
    description:
      - The container to check from, by name or ID.
      - Required with O(target), unless O(checks) is given.
    type: str
  target:
    description:
      - The container to reach, by name or ID.
    type: str
  host:
    description:
      - The name or address that the source uses for the target, such as an alias or the alias of a link.
      - If not given, the target's own name is used.
    type: str
  port:
    description:
      - The TCP port, or with O(protocol=udp) the UDP port. Ignored with O(protocol=dns).
    type: int
    default: 3306
  protocol:
    description:
      - V(dns) ends when the name resolves to the target, V(tcp) when a connection is accepted, and V(mysql) when the
        login works and the server is the target.
      - V(udp) sends one datagram and ends when an answer arrives. The datagram is a newline, or for port 53 a DNS
        query. If something listens, the lack of an answer proves nothing, so O(expect=unreachable) fails in that case.
    type: str
    choices: [dns, tcp, udp, mysql]
    default: mysql
  login:
    description:
      - The account to log in with, for O(protocol=mysql). The client program connects only to an address of the target
        that O(host) resolved to.
      - Names and passwords must not contain control characters.
    type: dict
    suboptions: &login
      user:
        description: The user, at most 128 characters.
        type: str
        default: root
      password:
        description:
          - The user's password. The client program reads it from its standard input, so it appears in no argument,
            environment variable, or engine event.
          - It is passed to the source, or to a helper that uses the source's image or O(probe_image), and to the
            target.
          - At most 1024 bytes.
          - Ansible masks the password wherever it occurs in the output. A short password, or one that is a common word,
            also masks parts of names and messages.
        type: str
        default: ''
      database:
        description: A database to use. It must exist, and the user must be allowed to use it. At most 64 characters.
        type: str
      ssl_mode:
        description:
          - Whether the client uses TLS. V(preferred) uses TLS if the server supports it, V(required) demands it.
            Neither checks the server's certificate.
          - V(verify_ca) requires a certificate signed by an authority in O(login.ssl_ca); V(verify_identity) also
            requires that it is issued for O(host). The server is then verified before it receives the password.
          - With V(verify_identity) the client program has to connect to the name, so it resolves the name again after
            the comparison with the target's addresses. The server that it reaches must have the certificate.
          - MariaDB's client program continues without TLS if the server does not support it, so V(required) needs the
            client of MySQL. With V(verify_ca), MariaDB's client also checks the name.
        type: str
        choices: [disabled, preferred, required, verify_ca, verify_identity]
        default: preferred
      ssl_ca:
        description:
          - A file with CA certificates in PEM format, at most 64 KiB, on the host that the module runs on. Its content
            is passed to the client program, wherever that runs.
          - Required with O(login.ssl_mode=verify_ca) and O(login.ssl_mode=verify_identity), and only allowed with
            these. In the container of a MySQL server, the file is C(/var/lib/mysql/ca.pem).
        type: path
  expect:
    description:
      - Whether the target must be reached. With V(unreachable) the task succeeds if it is not reached, which proves
        that the two are isolated from each other.
      - 'Only a cause that proves isolation counts as success: there is no path from one to the other, or a rule drops
        or rejects the packets. A mistyped name, a closed port, a target that is stopped or starting, and everything
        from the greeting on fail the task, unless they are set as O(cause). The table of causes says which ones prove
        isolation.'
      - The check is made even if the target is unhealthy.
    type: str
    choices: [reachable, unreachable]
    default: reachable
  cause:
    description:
      - With O(expect=unreachable), the expected cause. Any other cause fails the task.
      - A cause that was split into finer ones also accepts these. For example, V(no_route) accepts V(rejected).
      - The table of causes is in the collection's C(docs/connectivity.md).
    type: str
    choices: [source_missing, source_created, source_exited, source_paused, source_restarting, link_target_stopped,
      target_missing, target_created, target_exited, target_paused, target_restarting, target_unhealthy,
      source_no_network, target_no_network, source_shares_network, target_shares_network, link_stale, phantom_endpoint,
      default_bridge_only, no_common_network, source_host_network, target_host_network, target_without_name,
      resolver_lost, name_unknown, name_not_resolved, network_link_shadows, hosts_entry_shadows, alias_shared,
      resolves_elsewhere, icc_disabled, internal_network, server_starting, skip_networking, loopback_only,
      other_address_only, port_closed, rejected, no_answer, unanswered, no_route, not_mysql, tls_required, tls_failed,
      access_denied, account_locked, password_expired, auth_socket, client_not_allowed, unknown_database,
      too_many_connections, mysql_error, wrong_server, no_probe_tool, probe_failed]
  timeout:
    description:
      - How long, in seconds, to wait for what can resolve on its own, such as a server that is still initializing.
      - V(0) makes a single attempt. What cannot resolve on its own, such as a wrong password, is not waited for.
      - This differs from the option of the same name in the other modules, which limits how long the engine may take to
        answer a request. Here that limit is 60 seconds, or the value of the environment variable E(DOCKER_TIMEOUT).
    type: float
    default: 30
  total_timeout:
    description:
      - How long, in seconds, all checks of the task may take together. If not set, each check may take as long as its
        O(timeout) allows, and a matrix of many pairs may take a multiple of that.
      - When the time is over, nothing is retried, and checks that have not been tried yet fail and say so. An attempt
        that has started is finished, which takes at most half a minute.
    type: float
  interval:
    description:
      - The time between two attempts, in seconds.
    type: float
    default: 1
  probe_image:
    description:
      - The image of the helper, for a source that lacks the needed programs. It must contain a shell and these
        programs.
      - If not set, the source's own image is used, or, for a check without a login, the target's. The engine already
        has both.
      - With O(protocol=mysql) the helper receives the password, so the target's image is used only if it is named
        here.
    type: str
  pull:
    description:
      - Whether to pull O(probe_image) if it is needed and the engine does not have it. The credentials that C(docker
        login) stored on the host that the module runs on are used if the Docker SDK for Python is installed there.
    type: str
    choices: [never, missing]
    default: never
  checks:
    description:
      - Many checks in one task, several of them at once. Mutually exclusive with O(source) and O(target).
      - Each element is a matrix of every source with every target on every port. In a matrix of several containers,
        pairs of a container with itself are skipped.
      - An option that an element does not set is taken from the task.
      - The task fails if one of the checks is not as expected. Its message groups these checks by cause and
        target, with a task that fixes the first of each group. It is cut after about 8000 characters; RV(results)
        and RV(table) have everything.
    type: list
    elements: dict
    suboptions:
      source:
        description: The containers to check from.
        type: list
        elements: str
        required: true
      target:
        description: The containers to reach.
        type: list
        elements: str
        required: true
      port:
        description: The ports.
        type: list
        elements: int
      host:
        description: See O(host).
        type: str
      protocol:
        description: See O(protocol).
        type: str
        choices: [dns, tcp, udp, mysql]
      login:
        description: See O(login).
        type: dict
        suboptions: *login
      expect:
        description: See O(expect).
        type: str
        choices: [reachable, unreachable]
      cause:
        description: See O(cause).
        type: str
        choices: [source_missing, source_created, source_exited, source_paused, source_restarting, link_target_stopped,
          target_missing, target_created, target_exited, target_paused, target_restarting, target_unhealthy,
          source_no_network, target_no_network, source_shares_network, target_shares_network, link_stale,
          phantom_endpoint, default_bridge_only, no_common_network, source_host_network, target_host_network,
          target_without_name, resolver_lost, name_unknown, name_not_resolved, network_link_shadows,
          hosts_entry_shadows, alias_shared, resolves_elsewhere, icc_disabled, internal_network, server_starting,
          skip_networking, loopback_only, other_address_only, port_closed, rejected, no_answer, unanswered, no_route,
          not_mysql, tls_required, tls_failed, access_denied, account_locked, password_expired, auth_socket,
          client_not_allowed, unknown_database, too_many_connections, mysql_error, wrong_server, no_probe_tool,
          probe_failed]
      timeout:
        description: See O(timeout).
        type: float
      interval:
        description: See O(interval).
        type: float
      probe_image:
        description: See O(probe_image).
        type: str
      pull:
        description: See O(pull).
        type: str
        choices: [never, missing]
seealso:
  - module: linklab.docker.network_attach
  - module: linklab.docker.container_link
"""

EXAMPLES = r"""
- name: Log in to MySQL from one container to the other
  linklab.docker.connectivity:
    source: client
    target: database
    login:
      user: root
      password: "{{ database_password }}"
  register: proof

- name: Show what was proven
  ansible.builtin.debug:
    msg: "{{ proof.mysql.current_user }} on MySQL {{ proof.mysql.version }}, over {{ proof.path }}"

- name: Wait up to two minutes for a server that is still initializing, under the alias that the application uses
  linklab.docker.connectivity:
    source: app
    target: database
    host: db
    protocol: tcp
    port: 3306
    timeout: 120

- name: Prove that the two are isolated from each other, and for the right reason
  linklab.docker.connectivity:
    source: guest
    target: database
    protocol: tcp
    expect: unreachable
    cause: no_common_network

- name: Check a whole lab in one task
  linklab.docker.connectivity:
    protocol: tcp
    checks:
      - source: [web1, web2, web3]
        target: [database]
        port: [3306]
      - source: [proxy]
        target: [web1, web2, web3]
        port: [80, 443]
      - source: [guest]
        target: [database]
        expect: unreachable
  register: lab

- name: Show the table
  ansible.builtin.debug:
    var: lab.table

- name: Log in from a container without a client program, with the image of the database
  linklab.docker.connectivity:
    source: app
    target: database
    login:
      password: "{{ database_password }}"
    probe_image: mysql

- name: Log in only to a server that proves its identity
  linklab.docker.connectivity:
    source: client
    target: database
    login:
      password: "{{ database_password }}"
      ssl_mode: verify_ca
      ssl_ca: /etc/mysql/database-ca.pem

- name: Check from a container whose image has no shell
  linklab.docker.connectivity:
    source: minimal
    target: database
    protocol: tcp
    probe_image: busybox:latest
    pull: missing
"""

RETURN = r"""
reachable:
  description: Whether the target is reached. With O(checks), whether all targets are.
  returned: success and failure
  type: bool
  sample: true
passed:
  description: Whether the result is as O(expect) and O(cause) say. With O(checks), whether all results are.
  returned: success and failure
  type: bool
  sample: true
msg:
  description: What was found, in a sentence; on failure also what to do, with a task that fixes it if there is one.
  returned: always
  type: str
  sample: 'client -> database:3306 (mysql): reached over network:test_network'
path:
  description:
    - The path to the target. V(legacy_link), V(network_link), or V(network:) with the name of the network.
    - Also V(shared_namespace) for two containers that share a network namespace, V(host) if one of the two uses the
      host's network, and V(published_port).
    - V(none) if there is no path.
  returned: with O(source)
  type: str
  sample: network:test_network
host:
  description: The name or address that was used.
  returned: with O(source)
  type: str
  sample: database
address:
  description: The address that the host resolved to, the first if there are several.
  returned: with O(source)
  type: str
  sample: 172.18.0.2
addresses:
  description: All addresses that the host resolved to.
  returned: with O(source)
  type: list
  elements: str
  sample: [172.18.0.2]
latency_ms:
  description:
    - How long the last check took inside the source, in milliseconds. With O(protocol=tcp) this is the time to connect,
      with O(protocol=mysql) the time to start the client program, connect, log in, and run a query.
    - V(none) if the target was not reached.
  returned: with O(source)
  type: float
  sample: 8.1
checks:
  description: The checks that were run, in order. A failed check is always the last.
  returned: with O(source)
  type: list
  elements: dict
  contains:
    name:
      description: V(source), V(target), V(path), V(name), V(tcp) or V(udp), V(greeting), V(login) or V(identity).
      type: str
      sample: name
    passed:
      description: Whether it passed.
      type: bool
      sample: true
    detail:
      description: What was found.
      type: str
      sample: database is 172.18.0.2
mysql:
  description: What the server reports about the login. V(none) if there was no login.
  returned: with O(source)
  type: dict
  contains:
    connection_id:
      description: The connection ID.
      type: int
      sample: 12
    version:
      description: The server's version.
      type: str
      sample: 9.7.4
    hostname:
      description: The server's hostname, which is that of the target.
      type: str
      sample: 9e0e5c8092bd
    current_user:
      description: The account that the server matched.
      type: str
      sample: root@%
diagnosis:
  description: Why the target is not reached. V(none) if it is.
  returned: with O(source)
  type: dict
  contains:
    cause:
      description: One of the choices of O(cause).
      type: str
      sample: no_common_network
    message:
      description: The cause in a sentence about these containers.
      type: str
      sample: 'client and database have no network in common: client is on a; database is on b'
    hint:
      description:
        - What to do, with a task that fixes it if there is one.
        - The variable C(database_password) stands for the password of the login.
      type: str
      sample: |
        Attach client to a network of database.

        - name: Attach client to b
          linklab.docker.network_attach:
            network: b
            containers:
              - client
    task:
      description: Only the task or tasks, as YAML. V(none) if no task can fix it.
      type: str
      sample: |
        - name: Attach client to b
          linklab.docker.network_attach:
            network: b
            containers:
              - client
attempts:
  description: What was found in each attempt.
  returned: with O(source)
  type: list
  elements: dict
  contains:
    seconds:
      description: When the attempt ended, in seconds since the first one started.
      type: float
      sample: 0.1
    cause:
      description: The cause of the failure. V(none) if the target was reached.
      type: str
      sample: server_starting
    answer:
      description: The cause in a sentence.
      type: str
      sample: '172.18.0.2 refuses connections to port 3306 of database so far: its healthcheck has not passed yet'
probe:
  description: How the check was run. V(none) if the state of the containers was enough to know the result.
  returned: with O(source)
  type: dict
  contains:
    where:
      description: V(source) or V(helper).
      type: str
      sample: source
    image:
      description: The image of the helper.
      type: str
    tools:
      description: The programs that were used, for C(name), C(tcp), C(udp) and C(mysql).
      type: dict
      sample: {name: getent, mysql: mysql}
pulled:
  description: The images that were pulled.
  returned: always
  type: list
  elements: str
  sample: []
results:
  description:
    - With O(checks), one element for each pair and port, in order. Each has C(source), C(target), C(host), C(port),
      C(protocol), and C(expect) in addition to the values above.
  returned: with O(checks)
  type: list
  elements: dict
table:
  description: With O(checks), one line for each pair and port, ready to be displayed.
  returned: with O(checks)
  type: list
  elements: str
  sample:
    - RESULT  SOURCE  TARGET    HOST      PORT  PROTOCOL  EXPECTED   FOUND      PATH OR CAUSE         MS
    - ok      client  database  database  3306  tcp       reachable  reachable  network:test_network  5.8
"""

from ansible_collections.linklab.docker.plugins.module_utils._connectivity.spec import CHECK_OPTIONS
from ansible_collections.linklab.docker.plugins.module_utils._connectivity.task import run_task
from ansible_collections.linklab.docker.plugins.module_utils._module.common import LinklabModule


def main() -> None:
    run_task(
        LinklabModule(
            CHECK_OPTIONS,
            mutually_exclusive=[("checks", "source"), ("checks", "target")],
            required_together=[("source", "target")],
            required_one_of=[("checks", "source")],
        )
    )


if __name__ == "__main__":
    main()
