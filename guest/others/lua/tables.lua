-- Tables, sorting, closures, metatables, goto, varargs, integers; queens, a heap, SHA-256.
local function show(t) return "{" .. table.concat(t, " ") .. "}" end

local t = {5, 2, 8, 1, 9, 3}
table.sort(t) print(show(t))
table.sort(t, function(a, b) return a > b end) print(show(t))
table.insert(t, 7) table.insert(t, 1, 0) print(show(t), #t, table.remove(t), table.remove(t, 1), show(t))
print(show(table.move({1, 2, 3}, 2, 3, 1)), table.unpack({1, 2, 3}, 2), select("#", nil, nil), select(-1, 1, 2, 3))
print(select(2, pcall(table.sort, {3, 1, "x"})), select(2, pcall(table.concat, {1, {}, 3})))
print(rawlen({1, 2}), table.pack(1, nil, 3).n, next({}))

-- A linear congruential generator, so that the same numbers come everywhere.
local seed = 12345
local function random(n)
  seed = (seed * 6364136223846793005 + 1442695040888963407)
  return (seed >> 33) % n + 1
end
local big = {}
for i = 1, 5000 do big[i] = random(100000) end
table.sort(big)
local ordered = true
for i = 2, #big do ordered = ordered and big[i - 1] <= big[i] end
print(ordered, big[1], big[2500], big[5000])

local words = {}
for i = 1, 400 do
  local s = {}
  for j = 1, random(8) do s[j] = string.char(96 + random(26)) end
  words[i] = table.concat(s)
end
table.sort(words, function(a, b) return #a < #b or #a == #b and a < b end)
print(words[1], words[100], words[200], words[400])

-- Closures share what they close over, and each loop turn has its own.
local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() return n end
end
local up, get = counter()
up() up()
local fs = {}
for i = 1, 3 do fs[i] = function() i = i * 10 return i end end
print(get(), fs[1](), fs[1](), fs[2](), fs[3]())
local function compose(...)
  local f = {...}
  return function(x) for i = #f, 1, -1 do x = f[i](x) end return x end
end
print(compose(function(x) return x + 1 end, function(x) return x * 2 end)(10))
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(22))

-- Vectors and inheritance by metatables.
local Vector = {}
Vector.__index = Vector
local function vec(x, y) return setmetatable({x = x, y = y}, Vector) end
Vector.__add = function(a, b) return vec(a.x + b.x, a.y + b.y) end
Vector.__mul = function(a, k) return type(a) == "number" and vec(a * k.x, a * k.y) or vec(a.x * k, a.y * k) end
Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Vector.__lt = function(a, b) return a.x < b.x end
Vector.__le = function(a, b) return a.x <= b.x end
Vector.__tostring = function(a) return "(" .. a.x .. ", " .. a.y .. ")" end
Vector.__len = function() return 2 end
Vector.__call = function(self, k) return self.x + k end
Vector.__concat = function(a, b) return tostring(a) .. tostring(b) end
Vector.__unm = function(a) return vec(-a.x, -a.y) end
Vector.__idiv = function(a, k) return vec(a.x // k, a.y // k) end
print(tostring(vec(1, 2) + 3 * vec(4, 5) * 2), vec(1, 2) == vec(1, 2), vec(1, 1) < vec(2, 0), #vec(0, 0), vec(7, 0)(3),
  vec(1, 2) .. "!", tostring(-vec(7, 9) // 2), vec(1, 2) >= vec(2, 2))
local Animal = {} Animal.__index = Animal
function Animal.new(name) return setmetatable({name = name}, Animal) end
function Animal:speak() return self.name .. " makes " .. self:sound() end
local Dog = setmetatable({}, {__index = Animal}) Dog.__index = Dog
function Dog:sound() return "woof" end
print(setmetatable({name = "Rex"}, Dog):speak(), pcall(Animal.speak, Animal.new("Nobody")))
local log = {}
local proxy = setmetatable({}, {__index = function(_, k) log[#log + 1] = "get " .. k return k .. "?" end,
  __newindex = function(p, k, v) log[#log + 1] = "set " .. k rawset(p, k, v) end,
  __pairs = function() return function(_, i) if (i or 0) < 3 then return (i or 0) + 1, "v" end end, nil, nil end})
proxy.a = proxy.b
local seen = {}
for k, v in pairs(proxy) do seen[#seen + 1] = k .. v end
print(show(log), show(seen), rawget(proxy, "a"))

for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto continue end
    io.write(i, ".", j, " ")
    ::continue::
  end
end
for i = 10, 1, -4 do io.write(i, " ") end
for i = 1.0, 2.0, 0.25 do io.write(i, " ") end
for i = math.maxinteger - 1, math.maxinteger do io.write(i, " ") end
print()
print(7 // 0.0, pcall(function() return 7 // 0 end), 3 & 5, 3 | 5, 3 ~ 5, ~0, 1 << 63, 1 << 64, -1 >> 1, 2^31 | 0,
  math.maxinteger + 1 == math.mininteger, 5 // -2, 5 % -2, 1e15 // 1, math.ult(1, -1), 3 == 3.0, "3" == 3)

-- The eight queens: how many ways, and the first.
local ways, first = 0, nil
local function place(row, columns, up_, down, board)
  if row > 8 then
    ways = ways + 1
    first = first or show(board)
    return
  end
  for c = 1, 8 do
    if not (columns[c] or up_[row + c] or down[row - c]) then
      columns[c], up_[row + c], down[row - c], board[row] = true, true, true, c
      place(row + 1, columns, up_, down, board)
      columns[c], up_[row + c], down[row - c], board[row] = nil, nil, nil, nil
    end
  end
end
place(1, {}, {}, {}, {})
print(ways, first)

-- Shortest paths on a grid with weights, by a binary heap.
local heap = {}
local function push(cost, node)
  local i = #heap + 1
  while i > 1 and heap[i // 2][1] > cost do heap[i], i = heap[i // 2], i // 2 end
  heap[i] = {cost, node}
end
local function pop()
  local top, last = heap[1], table.remove(heap)
  local i = 1
  while #heap > 0 do
    local child = 2 * i
    if child < #heap and heap[child + 1][1] < heap[child][1] then child = child + 1 end
    if child > #heap or heap[child][1] >= last[1] then heap[i] = last break end
    heap[i], i = heap[child], child
  end
  return top[1], top[2]
end
local side, dist = 30, {}
local weight = {}
for i = 1, side * side do weight[i] = random(9) end
push(0, 1)
while #heap > 0 do
  local cost, node = pop()
  if not dist[node] then
    dist[node] = cost
    local x, y = (node - 1) % side, (node - 1) // side
    for _, d in ipairs {{1, 0}, {-1, 0}, {0, 1}, {0, -1}} do
      local nx, ny = x + d[1], y + d[2]
      local to = ny * side + nx + 1
      if nx >= 0 and nx < side and ny >= 0 and ny < side and not dist[to] then push(cost + weight[to], to) end
    end
  end
end
print(dist[side * side], dist[side], dist[side * (side - 1) + 1])

-- SHA-256, its constants computed from the primes.
local function sha256(message)
  local k, h, primes, n = {}, {}, {}, 2
  while #primes < 64 do
    local prime = true
    for _, p in ipairs(primes) do if n % p == 0 then prime = false break end end
    if prime then primes[#primes + 1] = n end
    n = n + 1
  end
  local function fraction(x) return math.floor((x - math.floor(x)) * 4294967296.0) end
  for i, p in ipairs(primes) do
    local root = p ^ (1 / 3)
    root = root - (root * root * root - p) / (3 * root * root) -- pow may be off by a bit
    k[i] = fraction(root)
    if i <= 8 then h[i] = fraction(p ^ 0.5) end
  end
  local function rotate(x, r) return (x >> r | x << (32 - r)) & 0xffffffff end
  message = message .. "\x80" .. ("\0"):rep((55 - #message) % 64) .. string.pack(">I8", #message * 8)
  for at = 1, #message, 64 do
    local w = {string.unpack((">I4"):rep(16), message, at)}
    for i = 17, 64 do
      local a, b = w[i - 15], w[i - 2]
      w[i] = (w[i - 16] + (rotate(a, 7) ~ rotate(a, 18) ~ a >> 3) + w[i - 7]
        + (rotate(b, 17) ~ rotate(b, 19) ~ b >> 10)) & 0xffffffff
    end
    local a, b, c, d, e, f, g, j = table.unpack(h)
    for i = 1, 64 do
      local t1 = j + (rotate(e, 6) ~ rotate(e, 11) ~ rotate(e, 25)) + (e & f ~ ~e & g) + k[i] + w[i]
      local t2 = (rotate(a, 2) ~ rotate(a, 13) ~ rotate(a, 22)) + (a & b ~ a & c ~ b & c)
      a, b, c, d, e, f, g, j = (t1 + t2) & 0xffffffff, a, b, c, (d + t1) & 0xffffffff, e, f, g
    end
    for i, v in ipairs {a, b, c, d, e, f, g, j} do h[i] = (h[i] + v) & 0xffffffff end
  end
  return (("%08x"):rep(8)):format(table.unpack(h))
end
print(sha256(""))
print(sha256("abc"))
print(sha256(("The quick brown fox jumps over the lazy dog. "):rep(40)))
