#!/usr/bin/python
# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pc_connection_info
version_added: 0.1.0
short_description: Diagnose the connection to a Lync server
description:
  - Finds out what the collection sees of a server from here, and says what is wrong and what to do about it.
  - It looks at the Python libraries, the server's name and ports, its TLS certificate, its clock, the Kerberos tickets, the endpoints
    that answer and what they offer, and it opens one session over the configured connection. In the session it asks who the server
    takes the account for, which versions there are, and which of the cmdlets that this collection calls.
  - It succeeds whatever it finds. Only options that are refused make it fail; everything else is one of RV(findings).
  - No password is part of what it returns. Names of servers and accounts are.
options: {}
extends_documentation_fragment:
  - lync.persistent_chat.attributes.info_module
  - lync.persistent_chat.remoting
notes:
  - One question to the network takes at most O(connection_timeout), and no more than 10 seconds; a call in the session at most
    three times O(connection_timeout).
  - The account logs on once, and with O(send_cbt=false) a second time when the first is refused. A wrong password counts as often
    in the lockout of the account.
  - The controller's ticket cache gets tickets for the services C(HTTP), C(HOST) and C(WSMAN) of the server, as any connection would
    leave one there.
seealso:
  - module: lync.persistent_chat.pc_pool_info
author:
  - The lync.persistent_chat contributors (@lync)
"""

EXAMPLES = r"""
- name: What is wrong with the connection?
  lync.persistent_chat.pc_connection_info:
    remote_addr: lync01.contoso.com
  register: connection

- name: Show what to do
  ansible.builtin.debug:
    msg: "{{ connection.findings | map(attribute='text') | zip(connection.findings | map(attribute='advice')) }}"

- name: Go on only when the server can be used
  ansible.builtin.assert:
    that:
      - connection.reachable
      - connection.findings | selectattr("severity", "in", ["error", "warning"]) | length == 0

- name: Does the role-based endpoint let this account in, and which cmdlets does it show?
  lync.persistent_chat.pc_connection_info:
    remote_addr: pool01.contoso.com
    transport: psrp
    path: OcsPowershell
"""

RETURN = r"""
reachable:
  description: Whether a session over the configured connection was opened and answered.
  returned: success
  type: bool
findings:
  description: What there is to say, errors first. There is always at least one.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description:
        - A word for the kind of finding, such as V(host_unknown), V(certificate_untrusted), V(kerberos_no_ticket), V(access_denied),
          V(cmdlets_missing) or V(second_hop). Where a module would fail of the same cause, it is the code of its error.
        - V(connection_works) stands alone.
      type: str
    severity:
      description:
        - V(error), the connection cannot be used; V(warning), it can be used, but something over it fails or soon will; V(info).
        - Behind the first error nothing is judged, because it would be a consequence. Run the module again after mending it.
      type: str
    text:
      description: What was found, and where.
      type: str
    advice:
      description: What to do next.
      type: str
  sample:
    - code: kerberos_ticket_expired
      severity: error
      text: "Connecting to lync01.contoso.com (https://lync01.contoso.com:5986/wsman) failed: the Kerberos ticket has expired. Run kinit again."
      advice: Run kinit again, or give remote_user and remote_password.
facts:
  description:
    - What the findings rest on. Each part has a key C(problem), which is V(null) or a dictionary of C(code) and C(text).
    - A part that was not asked has no other key than C(problem).
  returned: success
  type: dict
  contains:
    connection:
      description: The connection as it was configured, with the time of the diagnosis in C(checked_at), and no password.
      type: dict
    libraries:
      description: Versions of C(python) and C(openssl), C(versions) of the libraries, V(null) for those not installed, and C(missing).
      type: dict
    network:
      description: C(addresses) of the server's name, and for each of its C(ports) whether it is C(open).
      type: dict
    tls:
      description:
        - C(version), C(cipher), C(certificate), whether one of its C(names) is the server's (C(name_matches)), and whether it is C(trusted).
        - C(refused_here) is true when the server speaks only what this machine refuses as too old.
      type: dict
    endpoints:
      description:
        - C(answers) is a list with what each endpoint says to a request without credentials, with its C(url), the C(transports) that it
          serves, the HTTP C(status), the authentication C(schemes) that it offers, and C(clock_skew), the seconds that the server's clock is
          ahead.
      type: dict
    tickets:
      description:
        - With O(auth=kerberos), and with O(auth=negotiate) and no password, where the ticket comes from (C(source)), its C(principal), the C(ticket) with
          its end and flags, for each of the server's C(services) whether the KDC gives a ticket for it, and whether the
          C(kdcs) of O(kdc) take connections.
      type: dict
    session:
      description:
        - C(tried), C(opened), the C(identity) that the server takes the account for, the version of C(powershell), Lync's C(module) and its
          C(module_version), the C(language_mode) (with O(transport=winrm) only), the C(cmdlets) that are C(available) and C(missing), and
          in C(second_servers) whether a cmdlet that reads from another server reached it.
        - What is not known is V(null).
      type: dict
"""

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.run import run_info
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import remoting_spec, run_module


def main() -> None:
    run_module(remoting_spec(), run_info)


if __name__ == "__main__":
    main()
