"""A trial is the training of the train stage: repeatable, stopped cleanly, and blind to the test part."""

from tests.tuning.conftest import Home, Run


def test_the_same_job_gives_the_same_values_also_after_another(home: Home, run: Run) -> None:
    first = run(home.job(), home)
    run(home.job(1, train__batch_size=16, model__stride=1, train__optimizer="sgd"), home)
    again = run(home.job(), home)
    assert (again.rows, again.scores) == (first.rows, first.scores)
    assert len(first.rows) == 3
    assert not first.stopped
