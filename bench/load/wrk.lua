-- The script of wrk (wrk.ts): asks what a file holds, in turn, and says on standard output where it is.
-- The file: lines of headers, an empty line, and a body on each line after it.

local LONGEST_ERROR = 500
local threads = {}

local function say(word)
  io.write(word, '\n')
  io.flush()
end

local function look(status, _, body)
  if status == 200 and not body:find('"errors":', 1, true) then return end
  failed = failed + 1
  if failure == '' then failure = status .. ' ' .. body:sub(1, LONGEST_ERROR) end
end

function setup(thread)
  table.insert(threads, thread)
end

-- The file; how many requests are wanted, over how many connections; how many answers end the time in which all of these
-- are busy; and whether each answer is looked at, for which wrk makes a table of its headers.
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
  wanted, connections, busy = tonumber(arguments[2]), tonumber(arguments[3]), tonumber(arguments[4])
  if arguments[5] == 'look' then response = look end
  called, failed, failure = -1, 0, ''
end

-- Is called as often as there are connections, and with each answer.
function request()
  called = called + 1
  -- The first is only looked at, before the connections are made.
  if called == 0 then return requests[1] end
  if called == 1 then say('begun') end
  if called == busy + connections then say('busy') end
  if called == wanted + connections then say('done') end
  -- Nothing is sent then, and the connection waits until all are done: what is cut off would still be worked on.
  if called > wanted then return '' end
  return requests[(called - 1) % #requests + 1]
end

-- Answers, and their bytes; p50 and p99 in microseconds; how many of them are no success, or how often a connection failed;
-- and the first that is no success, or what failed.
function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  for _, thread in ipairs(threads) do
    local failed, failure = math.max(thread:get('failed'), errors.status) + broken, thread:get('failure')
    if failure == '' and broken > 0 then
      failure = string.format('%d connects, %d reads, %d writes, %d time-outs', errors.connect, errors.read, errors.write, errors.timeout)
    end
    say(string.format('%d %d %d %d %d\n%s', summary.requests, summary.bytes, latency:percentile(50), latency:percentile(99), failed, failure))
  end
end
