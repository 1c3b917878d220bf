"""Clients that guess passwords all the time: the beats of builders pass, and they are refused."""

import http.client
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from urllib.parse import urlencode

from foreman_office.access.attempts import MOST_OF_ADDRESS
from tests.faults.office import Load

GUESSERS, GUESSES = 12, 15


def test_beats_pass_however_many_passwords_are_guessed(office):
    answered = Counter()

    def guess(number):
        with closing(http.client.HTTPConnection("127.0.0.1", office.port, timeout=60)) as web:
            web.request("GET", "/login/")
            page = web.getresponse()
            page.read()
            secret = re.search(r"csrftoken=(\w+)", page.headers["Set-Cookie"])[1]
            headers = {
                "Cookie": f"csrftoken={secret}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            for turn in count():
                form = {"username": f"name{number}-{turn}", "password": "guess"}
                form["csrfmiddlewaretoken"] = secret
                web.request("POST", "/login/", urlencode(form), headers)
                answer = web.getresponse()
                answer.read()
                answered[answer.status] += 1
                assert answer.status == 200 or int(answer.headers["Retry-After"]) > 0
                if answer.status == 429 and turn >= GUESSES:
                    return

    with Load(office) as load, ThreadPoolExecutor(GUESSERS) as many:
        guessing = [many.submit(guess, number) for number in range(GUESSERS)]
        load.flows(60)
        for each in guessing:
            each.result()

    # A few at once may be counted before the last of the others is.
    assert answered[200] <= MOST_OF_ADDRESS + 2
    assert answered.keys() <= {200, 429, 503}
