"""Every action that the sandbox has, as the official client means it."""

from case import Case

HOME = "https://www.example.com/"


class Actions(Case):
    def test_a_url_purge_is_followed_to_done(self):
        urls = [HOME + "app.js", HOME + "img/logo.svg"]
        task = self.answer("PurgeUrlsCache", Urls=urls)["TaskId"]
        rows = self.followed_to_its_end("DescribePurgeTasks", task)
        self.assertEqual([row["Url"] for row in rows], urls)
        for row in rows:
            self.assertEqual((row["TaskId"], row["Status"], row["PurgeType"]), (task, "done", "url"))
            self.assertRegex(row["CreateTime"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")

    def test_directory_purges_say_how_they_purge(self):
        ways = ("flush", "delete")
        directory = {"Paths": [HOME + "img/"], "Area": "mainland"}
        tasks = [self.answer("PurgePathCache", FlushType=way, **directory)["TaskId"] for way in ways]
        for flush_type, task in zip(ways, tasks):
            (row,) = self.followed_to_its_end("DescribePurgeTasks", task)
            self.assertEqual((row["Url"], row["Status"]), (HOME + "img/", "done"))
            self.assertEqual((row["PurgeType"], row["FlushType"]), ("path", flush_type))

    def test_a_prefetch_is_followed_to_done_or_invalid(self):
        urls = [HOME + "app.js", HOME + "not-there"]
        options = {"Area": "overseas", "UserAgent": "suite", "DisableRange": True, "ParseM3U8": False}
        headers = [{"Name": "X-Suite", "Value": "yes"}]
        task = self.answer("PushUrlsCache", Urls=urls, Headers=headers, **options)["TaskId"]
        rows = self.followed_to_its_end("DescribePushTasks", task)
        self.assertEqual([(row["Url"], row["Status"]) for row in rows], [(urls[0], "done"), (urls[1], "invalid")])
        self.assertEqual((rows[0]["Percent"], rows[0]["Area"]), (100, "overseas"))
        self.assertTrue(rows[0]["UpdateTime"] >= rows[0]["CreateTime"])

    def test_a_purge_quota_is_spent_in_each_area(self):
        self.answer("PurgeUrlsCache", Urls=[HOME, HOME + "a"])
        self.answer("PurgePathCache", Paths=[HOME], FlushType="delete", Area="overseas")
        quota = self.answer("DescribePurgeQuota")
        url = {"Batch": 1_000, "Total": 10_000, "Available": 9_998}
        self.assertEqual(quota["UrlPurge"], [{"Area": "mainland"} | url, {"Area": "overseas"} | url])
        path = {"Batch": 500, "Total": 100}
        mainland, overseas = {"Area": "mainland", "Available": 100}, {"Area": "overseas", "Available": 99}
        self.assertEqual(quota["PathPurge"], [mainland | path, overseas | path])

    def test_a_prefetch_without_an_area_is_for_the_mainland(self):
        self.answer("PushUrlsCache", Urls=[HOME])
        quota = {pool["Area"]: pool for pool in self.answer("DescribePushQuota")["UrlPush"]}
        self.assertEqual((quota["mainland"]["Available"], quota["overseas"]["Available"]), (999, 1_000))
        self.assertEqual((quota["mainland"]["Batch"], quota["mainland"]["Total"]), (500, 1_000))

    def test_domains_are_listed_and_found(self):
        every = self.answer("DescribeDomains")
        names = [domain["Domain"] for domain in every["Domains"]]
        self.assertEqual((names, every["TotalNumber"]), (["www.example.com", "static.example.com"], 2))
        exact = self.answer("DescribeDomains", Filters=[{"Name": "domain", "Value": ["static.example.com"]}])
        (domain,) = exact["Domains"]
        self.assertEqual((domain["Status"], domain["Area"], domain["Product"]), ("online", "global", "cdn"))
        self.assertTrue(domain["Cname"].endswith(".cdn.dnsv1.com"))
        fuzzy = self.answer("DescribeDomains", Filters=[{"Name": "domain", "Value": ["www"], "Fuzzy": True}])
        self.assertEqual([domain["Domain"] for domain in fuzzy["Domains"]], ["www.example.com"])
        second = self.answer("DescribeDomains", Offset=1, Limit=1)
        self.assertEqual([domain["Domain"] for domain in second["Domains"]], ["static.example.com"])

    def test_the_configuration_of_a_domain_tells_its_cache_key_and_origin(self):
        filters = [{"Name": "domain", "Value": ["www.example.com"]}]
        (domain,) = self.answer("DescribeDomainsConfig", Filters=filters)["Domains"]
        self.assertEqual((domain["Domain"], domain["CacheKey"]["FullUrlCache"]), ("www.example.com", "on"))
        self.assertEqual((domain["Origin"]["OriginType"], domain["Origin"]["ServerName"]), ("ip", "www.example.com"))

    def test_a_signature_covers_what_is_not_ascii(self):
        # One client escapes it in its body, another does not: each has to be verified as it was sent.
        url = HOME + "图片/Übersicht.png"
        task = self.answer("PurgeUrlsCache", Urls=[url], UrlEncode=True)["TaskId"]
        (row,) = self.answer("DescribePurgeTasks", TaskId=task)["PurgeLogs"]
        self.assertEqual(row["Url"], url)
