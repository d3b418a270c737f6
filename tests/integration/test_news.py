"""Who waits for incident events is told of them, by whoever writes them, and finds its way back to the database."""

from functools import partial

import psycopg2

from alerts.journal import Batch, Position
from alerts.journal_postgres import PostgresJournal
from coldwatch.wiring.news import News
from coldwatch.wiring.transactions import Single
from tests.findings import finding
from tests.servers import Database

LIMIT_S = 30.0


def test_a_listener_is_told_of_events_and_of_nothing_else(fresh_database: Database) -> None:
    writer = Single(partial(psycopg2.connect, fresh_database.pipeline_url))
    journal = PostgresJournal(writer.begin, ("log",))
    journal.begin_positions({0: Position("topic-1", 0)})
    news = News(partial(psycopg2.connect, fresh_database.web_url))
    assert news.wait(LIMIT_S), "it has just begun to listen: look"
    assert not news.wait(0.0)
    journal.apply(Batch([finding()], {0: (0, 1)}, "topic-1"), 0)
    assert news.wait(LIMIT_S)
    assert not news.wait(0.0)
    news.close()
    writer.close()


def test_a_listener_whose_backend_was_ended_listens_again_and_says_look(fresh_database: Database) -> None:
    news = News(partial(psycopg2.connect, fresh_database.web_url))
    assert news.wait(LIMIT_S)
    owner = psycopg2.connect(fresh_database.owner_url)
    with owner, owner.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = current_database() and usename = 'coldwatch_web'"
        )
    owner.close()
    told = [news.wait(LIMIT_S) for _ in range(3)]  # the server's last words, its end, a new connection
    assert told[-1]
    assert not news.wait(0.0), "what is broken would be readable for ever"
    news.close()
