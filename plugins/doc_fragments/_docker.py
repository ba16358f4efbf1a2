# Copyright (c) The linklab.docker maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - The URL of the Docker Engine, such as V(unix:///var/run/docker.sock), V(tcp://192.0.2.23:2376) or
        V(ssh://user@host). Some of the modules also work with Podman's compatible socket; they refuse what it cannot
        do.
      - With V(ssh://user@host), V(ssh://user@host:22) or V(ssh://user@host/path/to/docker.sock), the C(ssh) program is
        run with its own configuration, and needs a key or an agent, since it never prompts. The other host needs the
        C(docker) program. Each connection is a separate login; C(ControlMaster) and C(ControlPersist) in the
        configuration of C(ssh) make them faster.
      - With C(tcp://), everything is sent in plain text unless one of O(tls), O(validate_certs), O(tls_hostname),
        O(ca_path), O(client_cert), O(client_key) and E(DOCKER_CERT_PATH) is set. The default port is C(2376) with TLS,
        and C(2375) without. Redirects are not followed, and proxies in the environment are not used.
      - The URL must not contain a password.
      - If the value is not given, the environment variable E(DOCKER_HOST) is used. CLI contexts are not used; set this
        to what C(docker context inspect --format '{{.Endpoints.docker.Host}}') prints.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  tls_hostname:
    description:
      - The host name that the engine's certificate must be issued for, if it differs from the one in O(docker_host).
      - With C(tcp://) it implies O(validate_certs=true), unless O(tls=true).
      - If the value is not given, the environment variable E(DOCKER_TLS_HOSTNAME) is used.
    type: str
  api_version:
    description:
      - The Engine API version to use. V(auto) uses the newest that the engine supports. The oldest supported version is
        V(1.41).
      - If the value is not given, the environment variable E(DOCKER_API_VERSION) is used.
    type: str
    default: auto
    aliases: [docker_api_version]
  timeout:
    description:
      - How long, in seconds, the engine may take to answer one request completely; from 1 to 86400.
      - If the value is not given, the environment variable E(DOCKER_TIMEOUT) is used.
    type: int
    default: 60
  ca_path:
    description:
      - Path to the certificate of the authority that signed the engine's certificate. By default, the authorities that
        the system trusts are used.
      - With C(tcp://) it implies O(validate_certs=true), unless O(tls=true).
      - If the value is not given, C(ca.pem) in the directory E(DOCKER_CERT_PATH) is used, if that is set.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - Path to the client's certificate.
      - With C(tcp://) it implies O(validate_certs=true), unless O(tls=true).
      - If the value is not given, C(cert.pem) in the directory E(DOCKER_CERT_PATH) is used, if that is set.
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - Path to the client's private key, which must not be encrypted.
      - With C(tcp://) it implies O(validate_certs=true), unless O(tls=true).
      - If the value is not given, C(key.pem) in the directory E(DOCKER_CERT_PATH) is used, if that is set.
    type: path
    aliases: [tls_client_key, key_path]
  tls:
    description:
      - Use TLS without checking the engine's certificate.
      - If the value is not given, the environment variable E(DOCKER_TLS) is used.
    type: bool
    default: false
  validate_certs:
    description:
      - Use TLS and check the engine's certificate.
      - If the value is not given, the environment variable E(DOCKER_TLS_VERIFY) is used.
    type: bool
    default: false
    aliases: [tls_verify]
requirements:
  - Docker Engine 20.10 (API 1.41) or newer
  - Docker SDK for Python 5.0.3 or newer (C(python3-docker) of the distribution, or C(docker) from PyPI), for images of
    a registry that requires a login
"""

    DISRUPTION = r"""
options:
  disruption:
    description:
      - The highest disruption that is allowed for what this task keeps. A task that needs more is refused before
        anything changes, with the action that needs it and a less disruptive alternative, if there is one.
      - What the task asks to detach or remove is not kept, so doing that counts as V(none), whatever it means for open
        connections.
      - V(none) allows only what no running process notices.
      - V(reconnect) also allows an existing endpoint to be removed for a moment, which ends the open connections over
        it.
      - V(recreate) also allows a container to be replaced by one with the same configuration, volumes and endpoints, or
        to be restarted.
    type: str
    choices: [none, reconnect, recreate]
    default: reconnect
"""
