// The official Node SDK, driven by lines of JSON: a call on each line in, its answer or refusal on a line out.
"use strict";

const readline = require("node:readline");
const { createRequire } = require("node:module");

// The SDK is installed elsewhere, in the working directory.
const { cdn } = createRequire(process.cwd() + "/")("tencentcloud-sdk-nodejs-cdn");

async function outcome({ endpoint, key, action, params }) {
    const client = new cdn.v20180606.Client({
        credential: { secretId: key.secret_id, secretKey: key.secret_key, token: key.token },
        profile: { httpProfile: { protocol: "http://", endpoint, reqTimeout: 30 } },
    });
    try {
        return { answer: await client[action](params) };
    } catch (refusal) {
        return { code: refusal.code, message: refusal.message, request_id: refusal.requestId };
    }
}

(async () => {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        console.log(JSON.stringify(await outcome(JSON.parse(line))));
    }
})();
