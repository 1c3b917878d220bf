import socket
from contextlib import closing

from kit.runtime.first_answer import wait_for_answer


def test_who_waits_is_told_of_the_first_answer():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        accepted = []

        def answers_at_the_second_look():
            if not accepted:
                accepted.append(listener.accept()[0])
            else:
                accepted[0].sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            return True

        assert wait_for_answer(listener, answers_at_the_second_look, "office.example")
        with accepted[0] as client:
            request = client.recv(1024)
    assert request == b"GET /login/ HTTP/1.1\r\nHost: office.example\r\nConnection: close\r\n\r\n"


def test_who_waits_for_a_server_that_has_ended_is_told_so():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        assert not wait_for_answer(listener, lambda: False)
