-- Coroutines, errors, to-be-closed variables, garbage collection, load; a scheduler, a Lisp and a JSON reader.
local function range(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local function filter(p, gen)
  return coroutine.wrap(function() for x in gen do if p(x) then coroutine.yield(x) end end end)
end
local sum = 0
for x in filter(function(x) return x % 3 == 0 end, range(100)) do sum = sum + x end
print(sum)

-- The sieve as a chain of coroutines.
local function sieve()
  local gen = coroutine.wrap(function() for i = 2, math.huge do coroutine.yield(math.tointeger(i) or i) end end)
  return coroutine.wrap(function()
    while true do
      local p = gen()
      coroutine.yield(p)
      gen = filter(function(x) return x % p ~= 0 end, gen)
    end
  end)
end
local next_prime, primes = sieve(), {}
for i = 1, 40 do primes[i] = next_prime() end
print(table.concat(primes, " "))

local function permutations(t, n)
  n = n or #t
  if n <= 1 then coroutine.yield(t) return end
  for i = 1, n do
    t[n], t[i] = t[i], t[n]
    permutations(t, n - 1)
    t[n], t[i] = t[i], t[n]
  end
end
for p in coroutine.wrap(function() permutations {1, 2, 3} end) do io.write(table.concat(p), " ") end
print()

local tasks, trace = {}, {}
local function spawn(name, steps)
  tasks[#tasks + 1] = coroutine.create(function(first)
    trace[#trace + 1] = name .. first
    for i = 1, steps do trace[#trace + 1] = name .. i .. coroutine.yield(i) end
    if steps == 2 then error("task " .. name .. " failed", 0) end
    return "done"
  end)
end
spawn("a", 1) spawn("b", 2) spawn("c", 3)
local tick = 0
while #tasks > 0 do
  tick = tick + 1
  for i = #tasks, 1, -1 do
    local ok, value = coroutine.resume(tasks[i], "@" .. tick)
    trace[#trace + 1] = tostring(ok) .. ":" .. tostring(value)
    if coroutine.status(tasks[i]) == "dead" then table.remove(tasks, i) end
  end
end
print(table.concat(trace, " "))
local co = coroutine.create(function(a, b)
  local c = coroutine.yield(a + b)
  local d, e = coroutine.yield(a * c)
  return d, e, coroutine.isyieldable(), select(2, coroutine.running())
end)
print(coroutine.resume(co, 3, 4)) print(coroutine.resume(co, 10)) print(coroutine.resume(co, "x", "y"))
print(coroutine.resume(co), coroutine.status(co), coroutine.isyieldable(), coroutine.close(coroutine.create(print)))
print(coroutine.wrap(function() return pcall(function() coroutine.yield(1) error("after") end) end)())
print(coroutine.resume(coroutine.create(function() return table.concat({coroutine.yield()}, "") end)))

-- Errors.
print(pcall(error, {code = 1}), pcall(error), select(2, pcall(error, "plain", 0)), select(2, pcall(error, "level 1")))
for _, f in ipairs {
  function() local x = nil; return x.field end, function() return 1 + {} end, function() return #5 end,
  function() return {} < {} end, function() return "a" | 1 end, function() return 1.5 | 1 end,
  function() return undefined_function() end, function() return 1 < "2" end, function() for i = 1, 2, 0 do end end,
  function() return ("x"):bad() end, function() local t = {} t[nil] = 1 end, function() return 1 // 0 end,
  string.rep, function() setmetatable(1, {}) end, function() return ("x"):rep(1 << 40) end,
} do print(pcall(f)) end
print(xpcall(function() error("deep") end, function(m) return "handled: " .. m end))
local function nested(s) return (s:gsub(".", nested)) end
print(pcall(nested, "x"))
local function depth(n) return n == 0 and 0 or 1 + depth(n - 1) end
print(depth(10000), select("#", table.unpack({}, 1, 5000)), pcall(table.unpack, {}, 1, 1e7))
print(pcall(function()
  local t = setmetatable({}, {__index = function(t, k) error("no field " .. k, 2) end})
  return t.missing
end))
print((xpcall(function() local function a() error("x") end local function b() a() end b() end,
  function(m) print((debug.traceback(m, 1):gsub("\n.*in function <", " <"):gsub("\n", ";"))) end)))

do
  local function closer(name) return setmetatable({}, {__close = function(_, e) print("close " .. name, e) end}) end
  local a <close> = closer("a")
  local b <close> = closer("b")
  local limit <const> = 3
  print(pcall(function() local c <close> = closer("c") error("inside", 0) end), limit)
end

-- Garbage: weak tables, finalizers, ephemerons, and much of it.
local weak, strong = setmetatable({}, {__mode = "v"}), {}
for i = 1, 100 do weak[i] = {i} if i % 10 == 0 then strong[#strong + 1] = weak[i] end end
collectgarbage()
local left = 0
for _ in pairs(weak) do left = left + 1 end
local ephemeron = setmetatable({}, {__mode = "k"})
do local key = {} ephemeron[key] = {key} end
collectgarbage()
print(left, #strong, next(ephemeron))
local finalized = {}
for i = 1, 5 do setmetatable({}, {__gc = function() finalized[#finalized + 1] = i end}) end
collectgarbage()
print(table.concat(finalized, " "))
for _, mode in ipairs {"incremental", "generational", "incremental"} do
  local list, total = nil, 0
  print(collectgarbage(mode))
  for i = 1, 30000 do
    list = {value = i, text = "n" .. i, next = i % 100 ~= 0 and list or nil}
    total = total + #list.text
  end
  print(total, collectgarbage("count") < 8192)
end

print(load("return 1 + 1")(), type(load(function() return nil end)), load("syntax error here"))
local chunk, env = load("x = 5; return function() return x end", "chunk", "t", {}), nil
print(chunk()(), x, #string.dump(chunk) > 50, load(string.dump(load("local a <const> = 6; return a * 7")), "b", "b")())

-- A Lisp.
local function parse(text)
  local stack, top = {}, {}
  for token in text:gsub("[()]", " %0 "):gmatch("%S+") do
    if token == "(" then stack[#stack + 1], top = top, {}
    elseif token == ")" then
      local done = top
      top = table.remove(stack)
      top[#top + 1] = done
    else top[#top + 1] = math.tointeger(tonumber(token)) or tonumber(token) or token end
  end
  return top
end
local eval
local special = {
  ["if"] = function(e, env) return eval(eval(e[2], env) and e[3] or e[4], env) end,
  define = function(e, env) env[e[2]] = eval(e[3], env) end,
  lambda = function(e, env)
    return function(...)
      local inner = setmetatable({}, {__index = env})
      for i, name in ipairs(e[2]) do inner[name] = (select(i, ...)) end
      return eval(e[3], inner)
    end
  end,
}
function eval(e, env)
  if type(e) == "string" then return env[e] end
  if type(e) ~= "table" then return e end
  if special[e[1]] then return special[e[1]](e, env) end
  local values = {}
  for i, x in ipairs(e) do values[i] = eval(x, env) end
  return values[1](table.unpack(values, 2))
end
local globals = {["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end,
  ["*"] = function(a, b) return a * b end, ["<"] = function(a, b) return a < b end, print = print}
for _, e in ipairs(parse [[
  (define fact (lambda (n) (if (< n 2) 1 (* n (fact (- n 1))))))
  (define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))))
  (define add (lambda (a) (lambda (b) (+ a b))))
  (print (fact 20) (fib 14) ((add 3) 4.5)) ]]) do eval(e, globals) end

-- JSON, there and back.
local function decode(s)
  local pos = 1
  local function fail(what) error(("%s at %d"):format(what, pos), 0) end
  local function skip() pos = s:find("%S", pos) or #s + 1 end
  local value
  local escapes = {n = "\n", t = "\t", r = "\r", b = "\b", f = "\f"}
  local function text()
    local out = {}
    pos = pos + 1
    while true do
      local from, to = s:find('^[^"\\]+', pos)
      if from then out[#out + 1] = s:sub(from, to) pos = to + 1 end
      local c = s:sub(pos, pos)
      if c == '"' then pos = pos + 1 return table.concat(out) end
      if c ~= "\\" then fail("open string") end
      local e = s:sub(pos + 1, pos + 1)
      if e == "u" then out[#out + 1] = utf8.char(tonumber(s:sub(pos + 2, pos + 5), 16)) pos = pos + 6
      else out[#out + 1] = escapes[e] or e pos = pos + 2 end
    end
  end
  local function sequence(close, item)
    pos = pos + 1 skip()
    if s:sub(pos, pos) == close then pos = pos + 1 return end
    while true do
      item() skip()
      local c = s:sub(pos, pos)
      pos = pos + 1
      if c == close then return end
      if c ~= "," then fail("expected , or " .. close) end
    end
  end
  function value()
    skip()
    local c = s:sub(pos, pos)
    if c == "{" then
      local t = {}
      sequence("}", function()
        skip()
        local k = text()
        skip()
        if s:sub(pos, pos) ~= ":" then fail("expected :") end
        pos = pos + 1
        t[k] = value()
      end)
      return t
    elseif c == "[" then
      local t = {}
      sequence("]", function() t[#t + 1] = value() end)
      return t
    elseif c == '"' then return text() end
    for word, v in pairs {["true"] = true, ["false"] = false} do
      if s:sub(pos, pos + #word - 1) == word then pos = pos + #word return v end
    end
    local number = s:match("^-?%d+%.?%d*[eE]?[+-]?%d*", pos) or fail("unexpected " .. c)
    pos = pos + #number
    return math.tointeger(tonumber(number)) or tonumber(number)
  end
  local result = value()
  skip()
  if pos <= #s then fail("trailing text") end
  return result
end
local function encode(v)
  if type(v) == "table" then
    local out = {}
    if #v > 0 then
      for i, x in ipairs(v) do out[i] = encode(x) end
      return "[" .. table.concat(out, ",") .. "]"
    end
    for k, x in pairs(v) do out[#out + 1] = encode(k) .. ":" .. encode(x) end
    table.sort(out)
    return "{" .. table.concat(out, ",") .. "}"
  elseif type(v) == "string" then
    return '"' .. v:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  end
  return tostring(v)
end
print(encode(decode [==[
  {"name": "caf\u00e9 \"x\"", "list": [1, 2.5, -3e2, true, false, {"deep": [[[]]]}], "n": {"b": 1, "a": "\n"}} ]==]))
for _, bad in ipairs {'{"a" 1}', '[1, 2', '"open', '[1] x', '?'} do print(pcall(decode, bad)) end
