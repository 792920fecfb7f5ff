"""Jobs that are not known, that came to another end than their work's, or cannot be noted."""

from server.errors.base import BoardState, RequestError, ServerError


class UnknownJobError(RequestError):
    """No such job."""

    code = "unknown-job"
    status = 404
    title = "Unknown job"

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"there is no job {job!r}")

    def extra(self) -> dict[str, object]:
        return {"job": self.job}


class UnknownTaskError(RequestError):
    """The job has no such task."""

    code = "unknown-task"
    status = 404
    title = "Unknown task"

    def __init__(self, job: str, task: int, tasks: int) -> None:
        self.job = job
        self.task = task
        has = f"its tasks are 0 to {tasks - 1}" if tasks else "it runs no batch"
        super().__init__(f"job {job} has no task {task}: {has}")

    def extra(self) -> dict[str, object]:
        return {"job": self.job, "task": self.task}


class KeyReusedError(RequestError):
    """An Idempotency-Key came a second time, with another request."""

    code = "key-reused"
    status = 422
    title = "Idempotency-Key used for another request"

    def __init__(self, key: str, job: str) -> None:
        self.key = key
        self.job = job
        super().__init__(
            f"{key!r} is the key of job {job}, which was another request: take a new one"
        )

    def extra(self) -> dict[str, object]:
        return {"key": self.key, "job": self.job}


class JobCancelledError(ServerError):
    """Somebody asked the job to stop, and it stopped."""

    code = "cancelled"
    status = 409
    title = "Job cancelled"
    retryable = True


class JobInterruptedError(ServerError):
    """The server ended while the job ran."""

    code = "interrupted"
    title = "Job interrupted"
    retryable = True

    def __init__(self, board: BoardState) -> None:
        self.board = board
        left = {
            "unknown": "what it left on the board is not known: verify the board first",
            "active": "tasks that had succeeded stay in place: start the others again",
        }.get(board, "it had written nothing to the board: start it again")
        super().__init__(f"the server stopped while the job ran; {left}")


class BatchError(ServerError):
    """Some tasks of a batch did not succeed; each says why."""

    code = "batch"
    status = 502
    title = "Batch incomplete"
    retryable = True

    def __init__(self, succeeded: int, total: int) -> None:
        self.succeeded = succeeded
        self.total = total
        super().__init__(f"{total - succeeded} of {total} tasks did not succeed; each says why")

    def extra(self) -> dict[str, object]:
        return {"succeeded": self.succeeded, "total": self.total}


class JournalError(ServerError):
    """The journal of jobs cannot be read or written."""

    code = "journal"
    title = "Journal not usable"

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        self.path = path
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{path}: {reason}; {remedy}")

    def extra(self) -> dict[str, object]:
        return {"path": self.path, "reason": self.reason, "remedy": self.remedy}
