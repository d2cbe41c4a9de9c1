"""Connections that the client keeps for its next request."""

import socket

from contract_tests.wire.client import Client
from contract_tests.wire.exchange import Exchange
from tests.contract_tests.bad_servers import HEAD, serving


async def test_a_kept_connection_that_closes_is_no_fault_of_the_next_request() -> None:
    connections: list[bytes] = []

    def once(connection: socket.socket) -> None:
        connection.sendall(HEAD % b"text/plain" + b"Content-Length: 2\r\n\r\nok")
        connections.append(connection.recv(4))  # and no answer to the second request

    client = Client(1.0)
    with serving(once) as url:
        answers = [await client.send(Exchange("POST", url, [], b"{}")) for _ in range(3)]
        await client.aclose()
    assert [(answer.status, answer.fault) for answer in answers] == [(200, None)] * 3
    assert connections == [b"POST", b"POST", b""]
