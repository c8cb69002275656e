-- Floats: n-body, spectral norm, mandelbrot, FFT, matrices, roots, the math library, pi's digits.
local function advance(bodies, dt)
  for i = 1, #bodies do
    local a = bodies[i]
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local d2 = dx * dx + dy * dy + dz * dz
      local mag = dt / (d2 * math.sqrt(d2))
      a.vx, a.vy, a.vz = a.vx - dx * b.m * mag, a.vy - dy * b.m * mag, a.vz - dz * b.m * mag
      b.vx, b.vy, b.vz = b.vx + dx * a.m * mag, b.vy + dy * a.m * mag, b.vz + dz * a.m * mag
    end
  end
  for _, b in ipairs(bodies) do b.x, b.y, b.z = b.x + dt * b.vx, b.y + dt * b.vy, b.z + dt * b.vz end
end
local function energy(bodies)
  local e = 0
  for i, a in ipairs(bodies) do
    e = e + 0.5 * a.m * (a.vx ^ 2 + a.vy ^ 2 + a.vz ^ 2)
    for j = i + 1, #bodies do
      local b = bodies[j]
      e = e - a.m * b.m / math.sqrt((a.x - b.x) ^ 2 + (a.y - b.y) ^ 2 + (a.z - b.z) ^ 2)
    end
  end
  return e
end
local mass, year = 4 * math.pi ^ 2, 365.24
local bodies = {
  {x = 0, y = 0, z = 0, vx = 0, vy = 0, vz = 0, m = mass},
  {x = 4.84143144246472090, y = -1.16032004402742839, z = -0.103622044471123109, vx = 0.00166007664274403694 * year,
    vy = 0.00769901118419740425 * year, vz = -0.0000690460016972063023 * year, m = 0.000954791938424326609 * mass},
  {x = 8.34336671824457987, y = 4.12479856412430479, z = -0.403523417114321381, vx = -0.00276742510726411 * year,
    vy = 0.00499852801234917238 * year, vz = 0.0000230417297573763929 * year, m = 0.000285885980666130812 * mass},
}
print(string.format("%.9f", energy(bodies)))
for _ = 1, 500 do advance(bodies, 0.01) end
print(string.format("%.9f %.17g %.17g", energy(bodies), bodies[2].x, bodies[3].vy))

local function A(i, j) return 1 / ((i + j) * (i + j + 1) / 2 + i + 1) end
local function multiply(n, v, at)
  local out = {}
  for i = 0, n - 1 do
    local s = 0
    for j = 0, n - 1 do s = s + at(i, j) * v[j] end
    out[i] = s
  end
  return out
end
local n, u, v = 24, {}, nil
for i = 0, n - 1 do u[i] = 1 end
local function transposed(i, j) return A(j, i) end
for _ = 1, 5 do v = multiply(n, multiply(n, u, A), transposed) u = multiply(n, multiply(n, v, A), transposed) end
local uv, vv = 0, 0
for i = 0, n - 1 do uv, vv = uv + u[i] * v[i], vv + v[i] * v[i] end
print(string.format("%.9f", math.sqrt(uv / vv)))

for row = -6, 6 do
  local line = {}
  for column = -40, 20 do
    local cr, ci, zr, zi, steps = column / 20, row / 6, 0.0, 0.0, 0
    while steps < 30 and zr * zr + zi * zi < 4 do
      zr, zi, steps = zr * zr - zi * zi + cr, 2 * zr * zi + ci, steps + 1
    end
    line[#line + 1] = steps == 30 and "#" or steps > 6 and "+" or steps > 3 and "." or " "
  end
  print((table.concat(line):gsub(" +$", "")))
end

local function fft(re, im)
  local size = #re
  if size == 1 then return re, im end
  local half = {{}, {}, {}, {}}
  for i = 1, size, 2 do
    local k = #half[1] + 1
    half[1][k], half[2][k], half[3][k], half[4][k] = re[i], im[i], re[i + 1], im[i + 1]
  end
  local er, ei = fft(half[1], half[2])
  local outr, outi = {}, {}
  local dr, di = fft(half[3], half[4])
  for k = 1, size // 2 do
    local angle = -2 * math.pi * (k - 1) / size
    local c, s = math.cos(angle), math.sin(angle)
    local tr, ti = dr[k] * c - di[k] * s, dr[k] * s + di[k] * c
    outr[k], outi[k], outr[k + size // 2], outi[k + size // 2] = er[k] + tr, ei[k] + ti, er[k] - tr, ei[k] - ti
  end
  return outr, outi
end
local re, im = {}, {}
for i = 1, 64 do re[i], im[i] = math.sin(2 * math.pi * 5 * i / 64) + 0.5 * (i % 3), 0 end
re, im = fft(re, im)
for _, k in ipairs {1, 6, 22, 23, 60} do io.write(string.format("%.10f ", math.sqrt(re[k] ^ 2 + im[k] ^ 2))) end
print()

-- Linear equations by elimination; Newton's roots; Simpson's integral.
local matrix = {}
for i = 1, 8 do
  matrix[i] = {}
  for j = 1, 9 do matrix[i][j] = ((i * 37 + j * 91 + i * j * 17) % 23) / (i + j) end
end
for c = 1, 8 do
  local pivot = c
  for r = c + 1, 8 do if math.abs(matrix[r][c]) > math.abs(matrix[pivot][c]) then pivot = r end end
  matrix[c], matrix[pivot] = matrix[pivot], matrix[c]
  for r = 1, 8 do
    if r ~= c then
      local f = matrix[r][c] / matrix[c][c]
      for k = c, 9 do matrix[r][k] = matrix[r][k] - f * matrix[c][k] end
    end
  end
end
for i = 1, 8 do io.write(string.format("%.12g ", matrix[i][9] / matrix[i][i])) end
print()
for _, x in ipairs {2, 10, 1e10, 1e-10} do
  local r = x
  for _ = 1, 100 do r = (r + x / r) / 2 end
  io.write(string.format("%.17g ", r))
end
local function simpson(f, a, b, steps)
  local h, s = (b - a) / steps, f(a) + f(b)
  for i = 1, steps - 1 do s = s + f(a + i * h) * (i % 2 == 1 and 4 or 2) end
  return s * h / 3
end
print(simpson(math.sin, 0, math.pi, 100), simpson(function(x) return x * x end, 0, 3, 10), simpson(math.exp, 0, 1, 50))

for _, x in ipairs {0.1, 0.5, 1, 1.5, 2, 3.7, 10, 100.25, 1e-8} do
  print(x, math.sin(x), math.cos(x), math.tan(x), math.exp(x), math.log(x), math.log(x, 2), math.log(x, 10),
    math.sqrt(x), x ^ 2.5, x ^ -1, math.asin(x / 101), math.acos(x / 101), math.atan(x), math.atan(-x, -2))
end
print(math.floor(-3.5), math.ceil(-3.5), math.floor(2^40 + 0.5), math.fmod(-7, 3), math.fmod(7.5, -2), math.modf(-3.7),
  math.modf(1 / 0), math.abs(math.mininteger), math.max(1, 2.5, -1), math.min(3, 1.5), math.tointeger(3.0),
  math.tointeger("8"), math.type(1), math.type(1.0), math.type("1"), 0 / 0 ~= 0 / 0, math.huge, -math.huge,
  math.maxinteger, math.mininteger)
print(3.0, 3.14, 1e15, 123456.789e3, 0.1 + 0.2, 100 // 1e-3, 1e300 * 1e10, 2^0.5, 1 // 0.0, -1 % math.huge, 7 // 1.5,
  1e14)
print(math.maxinteger + 0.0 == 2^63, math.maxinteger // 1 | 0, 9007199254740993 + 0.0, 1 < 1.5, 2^53 == 2^53 + 1,
  math.mininteger <= -2^63, tostring(1e15), tostring(-1e-7), 0x7fffffffffffffff, 0xffffffffffffffff, 0x1p4, 0x.8p1)
for _, s in ipairs {"0x1.8p3", "1e+10", ".5", "5.", "1e", "0x", "inf", "nan", "9223372036854775808",
  "-9223372036854775808", "4.9406564584124654e-324", "1.7976931348623159e308", "0.1e-400",
  "123456789012345678901234567890"} do
  io.write(s, "=", tostring(tonumber(s)), " ")
end
print()
math.randomseed(42)
print(math.random(0), math.random(100), math.random(-5, 5), string.format("%.14g", math.random()))

-- Digits of pi by a spigot.
local digits, length = {}, 60
local state = {}
for i = 1, length * 10 // 3 + 1 do state[i] = 2 end
local nines, held = 0, nil
for _ = 1, length do
  local carry = 0
  for i = #state, 1, -1 do
    local x = state[i] * 10 + carry * i
    state[i], carry = x % (2 * i - 1), x // (2 * i - 1)
  end
  state[1], carry = carry % 10, carry // 10
  if carry == 9 then nines = nines + 1
  else
    if held then digits[#digits + 1] = held + carry // 10 end
    for _ = 1, nines do digits[#digits + 1] = carry == 10 and 0 or 9 end
    held, nines = carry % 10, 0
  end
end
print(table.concat(digits))
