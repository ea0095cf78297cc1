"""Finding tasks again: by id, time, keyword, kind and status, page by page."""

import datetime

from case import Case

WWW, STATIC = "https://www.example.com/", "https://static.example.com/"
# The provider's times have no zone; they are told in this one.
UTC_8 = datetime.timezone(datetime.timedelta(hours=8))


def utc8(minutes):
    moment = datetime.datetime.now(UTC_8) + datetime.timedelta(minutes=minutes)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


class History(Case):
    def purges(self, **query):
        return self.answer("DescribePurgeTasks", **query)

    def urls(self, **query):
        return [row["Url"] for row in self.purges(StartTime=utc8(-5), **query)["PurgeLogs"]]

    def test_a_time_window_is_told_in_utc_8(self):
        self.answer("PurgeUrlsCache", Urls=[WWW + "a"])
        now = self.purges(StartTime=utc8(-5), EndTime=utc8(5))
        (row,) = now["PurgeLogs"]
        self.assertEqual(row["Url"], WWW + "a")
        self.assertTrue(utc8(-5) < row["CreateTime"] < utc8(5), row)
        before = self.purges(StartTime=utc8(-60), EndTime=utc8(-30))
        self.assertEqual((before["TotalCount"], before["PurgeLogs"]), (0, []))

    def test_a_task_id_finds_its_task_alone(self):
        self.answer("PurgeUrlsCache", Urls=[WWW + "a"])
        task = self.answer("PurgeUrlsCache", Urls=[WWW + "b"])["TaskId"]
        self.assertEqual([row["Url"] for row in self.purges(TaskId=task)["PurgeLogs"]], [WWW + "b"])
        none = self.purges(TaskId=task + "0")
        self.assertEqual((none["TotalCount"], none["PurgeLogs"]), (0, []))

    def test_a_keyword_is_a_domain_or_a_whole_url(self):
        self.answer("PurgeUrlsCache", Urls=[WWW + "a", STATIC + "a", WWW + "ab"])
        self.assertEqual(self.urls(Keyword="www.example.com"), [WWW + "a", WWW + "ab"])
        self.assertEqual(self.urls(Keyword=WWW + "a"), [WWW + "a"])

    def test_rows_are_filtered_by_kind_and_status(self):
        self.answer("PurgePathCache", Paths=[WWW + "dir/"], FlushType="flush")
        task = self.answer("PurgeUrlsCache", Urls=[WWW + "a"])["TaskId"]
        self.assertEqual(self.urls(PurgeType="path"), [WWW + "dir/"])
        self.assertEqual(self.urls(PurgeType="url"), [WWW + "a"])
        self.followed_to_its_end("DescribePurgeTasks", task)
        self.assertEqual(self.urls(Status="done", PurgeType="url"), [WWW + "a"])
        self.assertEqual(self.urls(Status="fail"), [])

    def test_a_failed_row_says_so(self):
        self.sandbox.put("faults", [{"action": "PurgeUrlsCache", "fault": {"kind": "task_fails"}}])
        task = self.answer("PurgeUrlsCache", Urls=[WWW + "a"])["TaskId"]
        (row,) = self.followed_to_its_end("DescribePurgeTasks", task)
        self.assertEqual(row["Status"], "fail")

    def test_pages_come_one_after_the_other_and_end(self):
        urls = [f"{WWW}{number}" for number in range(45)]
        for action, submit, name in (
            ("DescribePurgeTasks", "PurgeUrlsCache", "PurgeLogs"),
            ("DescribePushTasks", "PushUrlsCache", "PushLogs"),
        ):
            task = self.answer(submit, Urls=urls)["TaskId"]
            first = self.answer(action, TaskId=task)
            self.assertEqual((len(first[name]), first["TotalCount"]), (20, 45))
            later = [self.answer(action, TaskId=task, Offset=offset, Limit=15) for offset in (20, 35)]
            self.assertEqual([len(page[name]) for page in later], [15, 10])
            self.assertEqual([row["Url"] for page in [first, *later] for row in page[name]], urls)

    def test_prefetches_are_found_by_time_keyword_and_area(self):
        self.answer("PushUrlsCache", Urls=[WWW + "a", STATIC + "a"], Area="overseas")
        query = {"StartTime": utc8(-5), "EndTime": utc8(5), "Keyword": "static.example.com"}
        tasks = self.answer("DescribePushTasks", Area="overseas", **query)
        self.assertEqual([row["Url"] for row in tasks["PushLogs"]], [STATIC + "a"])
        self.assertEqual(self.answer("DescribePushTasks", Area="mainland", **query)["TotalCount"], 0)

    def test_a_query_for_everything_or_for_no_time_is_refused(self):
        self.refused("MissingParameter", "DescribePurgeTasks")
        self.refused("MissingParameter", "DescribePushTasks", Keyword="www.example.com")
        self.refused("InvalidParameter.CdnParamError", "DescribePurgeTasks", StartTime="yesterday")
        self.refused("InvalidParameter.CdnParamError", "DescribePurgeTasks", StartTime=utc8(5), EndTime=utc8(-5))
