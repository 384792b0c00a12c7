// Requests to the server, and errors in words.

export class RequestError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status; // 0: there was no answer
    }
}

async function reason(response) {
    const text = await response.text().catch(() => "");
    try {
        return JSON.parse(text).error || text;
    } catch (error) {
        return text.slice(0, 300);
    }
}

export async function request(path, options) {
    let response;
    try {
        response = await fetch(path, {credentials: "same-origin", ...options});
    } catch (error) {
        if (error.name === "AbortError") {
            throw error;
        }
        throw new RequestError(0, "wsiflow view does not answer");
    }
    if (response.ok) {
        return response;
    }
    if (response.status === 401) {
        throw new RequestError(401, "this session has ended; open the link that wsiflow view has printed");
    }
    throw new RequestError(response.status, await reason(response) || `the answer is ${response.status}`);
}

export async function getJson(path, options) {
    return (await request(path, options)).json();
}

export async function sendJson(method, path, body) {
    const headers = {"Content-Type": "application/json", "X-Wsiflow": "1"};
    return (await request(path, {method, headers, body: JSON.stringify(body)})).json();
}
