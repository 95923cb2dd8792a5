-- The script of wrk (wrk.ts): asks what a file holds, in turn, looks at every answer, and says on standard output where it is.
-- The file: lines of headers, an empty line, and a body on each line after it.

local LONGEST_ERROR = 500
local threads = {}

local function say(word)
  io.write(word, '\n')
  io.flush()
end

function setup(thread)
  table.insert(threads, thread)
end

-- The file, how many requests are wanted, and the number of answers that ends the time in which every connection is busy.
function init(arguments)
  local headers = {}
  requests = nil
  for line in io.lines(arguments[1]) do
    if requests then
      table.insert(requests, wrk.format('POST', nil, headers, line))
    elseif line == '' then
      requests = {}
    else
      local name, value = line:match('^(.-): (.*)$')
      headers[name] = value
    end
  end
  wanted, busy = tonumber(arguments[2]), tonumber(arguments[3])
  asked, answered, failed, failure = -1, 0, 0, ''
end

function request()
  -- The first is only looked at, before the connections are made.
  if asked == -1 then
    asked = 0
    return requests[1]
  end
  -- Nothing is sent then, and the connection waits until all are done: what is cut off would still be worked on.
  if asked == wanted then return '' end
  if asked == 0 then say('begun') end
  asked = asked + 1
  return requests[(asked - 1) % #requests + 1]
end

function response(status, _, body)
  if status ~= 200 or body:find('"errors":', 1, true) then
    failed = failed + 1
    if failure == '' then failure = status .. ' ' .. body:sub(1, LONGEST_ERROR) end
  end
  answered = answered + 1
  if answered == busy then say('busy') end
  if answered == wanted then say('done') end
end

-- Answers, the p50 and p99 of them in microseconds, how many of them are no success, and the first of those.
function done(summary, latency)
  for _, thread in ipairs(threads) do
    say(string.format('%d %d %d %d\n%s', summary.requests, latency:percentile(50), latency:percentile(99), thread:get('failed'), thread:get('failure')))
  end
end
