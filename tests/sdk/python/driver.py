"""The official Python SDK, driven by lines of JSON: a call on each line in, its answer or refusal on a line out."""

import json
import sys

from tencentcloud.cdn.v20180606 import cdn_client, models
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile


def outcome(call):
    key = call["key"]
    pair = credential.Credential(key["secret_id"], key["secret_key"], key.get("token"))
    http = HttpProfile(protocol="http", endpoint=call["endpoint"], reqTimeout=30)
    client = cdn_client.CdnClient(pair, "", ClientProfile(httpProfile=http))
    request = getattr(models, call["action"] + "Request")()
    request.from_json_string(json.dumps(call["params"]))
    try:
        # Through the SDK's own models, so that a field of the wrong name or shape is lost and missed.
        return {"answer": json.loads(getattr(client, call["action"])(request).to_json_string())}
    except TencentCloudSDKException as refusal:
        return {"code": refusal.code, "message": refusal.message, "request_id": refusal.requestId}


for line in sys.stdin:
    print(json.dumps(outcome(json.loads(line))), flush=True)
