-- Formatting, patterns, string.pack, utf8; base64, CSV and a template filler.
print(string.format("%5d|%-5d|%05d|%+d|%x|%X|%#x|%o|%c|%%", 42, 42, 42, 42, 255, 255, 255, 8, 65))
print(string.format("%q %q %q", "line\nand \"quotes\" \0 zero\r", 1 / 3, math.mininteger))
print(string.format("%10.3f|%-10.2e|%g|%g|%g|%.0f|%.15g", math.pi, 12345.678, 1e20, 1e-5, 100, 0.5, 0.1))
print(string.format("%s %10s %-10s| %.3s %i", "a", "right", "left", "truncated", 3.0))
print(string.format("%a %A", 1.0, 0.15625), 1e15, 1e16, 123456789012345678, 2^53, 2^63, -0.0, 1e100)
print(1 / 0, -1 / 0, math.pi, 1e308 * 10, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308)
print(tostring(3) == "3", 10 // 3, 10.0 // 3, -7 // 2, -7 % 3, 7 % -3, -7.5 % 2, 5.3 % -2)
print("10" + 5, "0x10" * 2, "3.5" + 0, 10 .. 20, tonumber("  12  "), tonumber("1e2"), tonumber("zz", 36),
  tonumber("8", 8))

for _, case in ipairs {
  {"hello world", "o w"}, {"hello", "l+"}, {"key = value", "^(%w+)%s*=%s*(%w+)$"}, {"2024-05-17", "(%d+)-(%d+)-(%d+)"},
  {"f(a(b)c)d", "%b()"}, {"THE (quick) fox", "%f[%a]%a+%f[%A]"}, {"  trim me  ", "^%s*(.-)%s*$"}, {"abc", "()b()"},
  {"[[x]]", "[%[%]]+"}, {"aXb", "%u"}, {"none", "z"}, {"a.b-c", "[%w%.%-]*"}, {"aaa", "a-b"}, {"x=1, y=2", "(%w)=(%w)"},
} do print(case[1], case[2], string.find(case[1], case[2])) end

print(("hello world from Lua"):gsub("(%w+) (%w+)", "%2 %1"))
print(("$name is $age years old, $who?"):gsub("%$(%w+)", {name = "Ann", age = 42}))
print(("abc"):gsub("", "-"), ("abc"):gsub(".", function(c) return c:byte() .. "," end), ("a b c"):gsub(" ", "_", 1))
for k, v in ("a=1, b=22, c=333"):gmatch("(%w+)=(%w+)") do io.write(k, ":", v, " ") end
print(("x"):rep(3, "-"), ("abc"):reverse(), ("MiXeD"):upper(), ("MiXeD"):lower(), #"\u{20AC}",
  ("abc"):sub(-2), ("abc"):byte(1, -1))

local packed = string.pack("<i4 >i2 =I8 z s1 d f B", -2, 513, 1 << 40, "zero", "len", 1.5, 0.25, 255)
print(#packed, (packed:gsub(".", function(c) return string.format("%02x", c:byte()) end)))
print(string.unpack("<i4 >i2 =I8 z s1 d f B", packed))
print(string.packsize("i4 i8 !8 d"), select(2, pcall(string.pack, "i17", 1)), select(2, pcall(string.pack, "i1", 200)))
print(string.unpack("<i3", "\xff\xff\xff"), string.unpack(">I5", "\1\2\3\4\5"),
  string.pack(">j", -1) == ("\xff"):rep(8))

for p, c in utf8.codes("aé€𝄞") do io.write(p, "=", c, " ") end
print(utf8.char(72, 228, 8364, 119070), utf8.len("aé€𝄞"), utf8.len("\xff"), utf8.offset("aé€𝄞", 3))

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(s)
  local out = {}
  for i = 1, #s, 3 do
    local a, b, c = s:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for j = 0, 3 do
      local d = n >> (18 - 6 * j) & 63
      out[#out + 1] = (j == 2 and not b or j == 3 and not c) and "=" or alphabet:sub(d + 1, d + 1)
    end
  end
  return table.concat(out)
end
local function unbase64(s)
  local bits, count, out = 0, 0, {}
  for ch in s:gmatch("[%w+/]") do
    bits, count = bits << 6 | (alphabet:find(ch, 1, true) - 1), count + 6
    if count >= 8 then
      count = count - 8
      out[#out + 1] = string.char(bits >> count & 255)
    end
  end
  return table.concat(out)
end
for _, s in ipairs {"", "f", "fo", "foo", "foob", "any carnal pleas", ("\0\255"):rep(9)} do
  print(base64(s), unbase64(base64(s)) == s)
end

local function csv(line)
  local fields, pos = {}, 1
  while true do
    local from, to, quoted = line:find('^"(.-)"%f[,\0]', pos)
    if quoted then fields[#fields + 1] = quoted:gsub('""', '"')
    else
      from, to = line:find("^[^,]*", pos)
      fields[#fields + 1] = line:sub(from, to)
    end
    if to >= #line then return fields end
    pos = to + 2
  end
end
for _, line in ipairs {'a,b,c', '1,"two, three","say ""hi""",,end', '""'} do
  print(#csv(line), table.concat(csv(line), "|"))
end

local words = {}
for word in ([[the quick brown fox jumps over the lazy dog and the dog sleeps while the fox runs]]):gmatch("%a+") do
  words[word] = (words[word] or 0) + 1
end
local list = {}
for word, n in pairs(words) do list[#list + 1] = {word, n} end
table.sort(list, function(a, b) return a[2] > b[2] or a[2] == b[2] and a[1] < b[1] end)
for _, w in ipairs(list) do io.write(w[1], "=", w[2], " ") end
print()
