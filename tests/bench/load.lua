-- What wrk sends: one request after the other on each connection. Read from the environment:
--   BENCH_METHOD, BENCH_TOKEN, BENCH_BODY (a file, or empty), BENCH_PATHS (a file, one path a line, taken in turn; {uuid} becomes a fresh one),
--   BENCH_EXPECTED (the one status that counts as done).
-- The last line of the output is JSON. Anything but the expected status is counted, and the first one is shown.

local threads = {}
local random, method, paths, headers, body, expected, sent

accepted, refused, refusal = 0, 0, ""

local function read(path)
  local file = assert(io.open(path, "rb"), "cannot read " .. path)
  local text = file:read("*a")
  file:close()
  return text
end

local function uuid()
  local hex = random:read(16):gsub(".", function(byte) return string.format("%02x", byte:byte()) end)
  return table.concat({hex:sub(1, 8), hex:sub(9, 12), "4" .. hex:sub(14, 16), "8" .. hex:sub(18, 20), hex:sub(21, 32)}, "-")
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init()
  random = assert(io.open("/dev/urandom", "rb"))
  method, expected, sent, paths = os.getenv("BENCH_METHOD"), tonumber(os.getenv("BENCH_EXPECTED")), 0, {}
  for path in read(os.getenv("BENCH_PATHS")):gmatch("[^\n]+") do paths[#paths + 1] = path end
  headers = {["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")}
  if os.getenv("BENCH_BODY") ~= "" then
    body = read(os.getenv("BENCH_BODY"))
    headers["Content-Type"] = "application/json"
  end
end

function request()
  sent = sent + 1
  local path = paths[(sent - 1) % #paths + 1]:gsub("{uuid}", uuid)
  return wrk.format(method, path, headers, body)
end

function response(status, _, text)
  if status == expected then
    accepted = accepted + 1
    return
  end
  refused = refused + 1
  if refusal == "" then refusal = status .. " " .. text:sub(1, 300):gsub("[%c\"\\]", " ") end
end

function done(summary, latency)
  local done_, refused_, refusal_ = 0, 0, ""
  for _, thread in ipairs(threads) do
    done_, refused_ = done_ + thread:get("accepted"), refused_ + thread:get("refused")
    if refusal_ == "" then refusal_ = thread:get("refusal") end
  end
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '{"seconds": %.6f, "done": %d, "refused": %d, "failed": %d, "refusal": "%s", "p50": %.3f, "p95": %.3f, "p99": %.3f}\n',
    summary.duration / 1e6, done_, refused_, failed, refusal_,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
