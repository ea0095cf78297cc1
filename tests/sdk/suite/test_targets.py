"""What may be purged and prefetched, and what is refused with which code."""

from case import Case

WWW = "https://www.example.com/"


class Targets(Case):
    domain_file = """
        [[domains]]
        name = "www.example.com"
        area = "mainland"
        [[domains]]
        name = "off.example.com"
        status = "offline"
    """

    def submits_refused(self, code, target, push_code=None, **params):
        self.refused(code, "PurgeUrlsCache", Urls=[WWW, target], **params)
        self.refused(code, "PurgePathCache", Paths=[WWW, target], FlushType="delete", **params)
        self.refused(push_code or code, "PushUrlsCache", Urls=[WWW, target], **params)

    def test_an_unknown_domain_refuses_the_whole_call(self):
        self.submits_refused("ResourceNotFound.CdnHostNotExists", "https://other.example.org/")
        self.assertEqual([call["charged"] for call in self.sandbox.calls()], [0, 0, 0])

    def test_an_offline_domain_has_its_codes(self):
        self.submits_refused(
            "InvalidParameter.CdnHostInvalidStatus",
            "https://off.example.com/",
            push_code="ResourceUnavailable.CdnHostIsNotOnline",
        )

    def test_a_wildcard_host_has_its_codes(self):
        self.submits_refused(
            "InvalidParameter.CdnPurgeWildcardNotAllowed",
            "https://*.example.com/",
            push_code="InvalidParameter.CdnPushWildcardNotAllowed",
        )

    def test_a_target_without_a_scheme_is_a_bad_parameter(self):
        self.refused("InvalidParameter.CdnParamError", "PurgeUrlsCache", Urls=["www.example.com/a"])

    def test_an_area_has_to_fit_the_domain(self):
        self.refused("InvalidParameter.CdnParamError", "PushUrlsCache", Urls=[WWW], Area="overseas")

    def test_an_overlong_url_has_its_code(self):
        self.refused("InvalidParameter.CdnUrlExceedLength", "PurgeUrlsCache", Urls=[WWW + "a" * 2_048])

    def test_an_unknown_way_to_purge_is_a_bad_parameter(self):
        self.refused("InvalidParameter.CdnParamError", "PurgePathCache", Paths=[WWW], FlushType="scrub")

    def test_an_action_that_is_not_simulated_says_so(self):
        self.refused("InvalidAction", "StopCdnDomain", Domain="www.example.com")

    def test_a_fault_rule_reaches_the_client_as_its_code(self):
        code = "UnauthorizedOperation.CdnHostUnauthorized"
        rule = {"action": "*", "fault": {"kind": "refuse", "code": code, "message": "no"}, "times": 1}
        self.sandbox.put("faults", [rule])
        self.refused(code, "PurgeUrlsCache", Urls=[WWW])
        self.answer("PurgeUrlsCache", Urls=[WWW])
