-- A shop: tables, keys, checks, defaults.
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, city TEXT, since TEXT DEFAULT '2020-01-01');
CREATE TABLE product(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL CHECK(price >= 0),
  stock INT NOT NULL DEFAULT 10);
CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, customer INT REFERENCES customer(id) ON DELETE CASCADE,
  day TEXT);
CREATE TABLE line(orders INT REFERENCES orders(id) ON DELETE CASCADE, product INT REFERENCES product(id), n INT,
  PRIMARY KEY(orders, product)) WITHOUT ROWID;
CREATE TABLE log(at INTEGER PRIMARY KEY, what TEXT);
PRAGMA foreign_keys = ON;
PRAGMA foreign_keys;
PRAGMA table_info(product);
CREATE INDEX customer_city ON customer(city);
CREATE INDEX orders_day ON orders(day, customer);
CREATE UNIQUE INDEX product_name ON product(name COLLATE NOCASE);
INSERT INTO customer(name, city) VALUES('Ada', 'London');
INSERT INTO customer(name, city) VALUES('Bela', 'Budapest');
INSERT INTO customer(name, city) VALUES('Carl', 'Berlin');
INSERT INTO customer(name, city) VALUES('Dora', 'London');
INSERT INTO customer(name, city) VALUES('Edo', NULL);
INSERT INTO customer(name, city, since) VALUES('Fay', 'Berlin', '2019-06-30');
INSERT INTO customer(name, city, since) VALUES('Gus', 'Oslo', '2021-12-31');
INSERT INTO customer(name, city) VALUES('Hal', 'Oslo'), ('Ida', 'Rome'), ('Jan', 'Prague');
INSERT INTO product(name, price, stock) VALUES('apple', 0.25, 100);
INSERT INTO product(name, price, stock) VALUES('bread', 2.5, 40);
INSERT INTO product(name, price, stock) VALUES('cheese', 7.95, 15);
INSERT INTO product(name, price, stock) VALUES('dates', 3.1, 20);
INSERT INTO product(name, price, stock) VALUES('eggs', 1.99, 60);
INSERT INTO product(name, price) VALUES('figs', 4.4);
INSERT INTO product(name, price) VALUES('grapes', 2.75);
INSERT INTO product(name, price) VALUES('honey', 6.0) RETURNING id, name, stock;
INSERT INTO product(name, price) VALUES('Apple', 1);
INSERT INTO product(name, price) VALUES('ice', -1);
INSERT INTO product(name) VALUES(NULL);
INSERT INTO customer(name) VALUES('Ada');
INSERT OR IGNORE INTO customer(name, city) VALUES('Ada', 'Paris');
INSERT INTO customer(name, city) VALUES('Ada', 'Paris') ON CONFLICT(name) DO UPDATE SET city = excluded.city || '!';
SELECT * FROM customer ORDER BY id;
UPDATE customer SET city = 'London' WHERE name = 'Ada';
SELECT changes(), total_changes(), last_insert_rowid();
CREATE TRIGGER line_insert AFTER INSERT ON line BEGIN
  UPDATE product SET stock = stock - new.n WHERE id = new.product;
  INSERT INTO log(what) VALUES('sold ' || new.n || ' of ' || new.product);
END;
CREATE TRIGGER stock_check BEFORE UPDATE OF stock ON product WHEN new.stock < 0 BEGIN
  SELECT raise(ABORT, 'out of stock');
END;
CREATE TRIGGER line_delete AFTER DELETE ON line BEGIN
  UPDATE product SET stock = stock + old.n WHERE id = old.product;
END;
INSERT INTO orders(customer, day) VALUES(1, '2024-01-05');
INSERT INTO line VALUES(1, 1, 10);
INSERT INTO line VALUES(1, 2, 2);
INSERT INTO orders(customer, day) VALUES(2, '2024-01-06');
INSERT INTO line VALUES(2, 3, 1);
INSERT INTO orders(customer, day) VALUES(1, '2024-01-09');
INSERT INTO line VALUES(3, 5, 12);
INSERT INTO line VALUES(3, 1, 5);
INSERT INTO line VALUES(3, 8, 1);
INSERT INTO orders(customer, day) VALUES(4, '2024-01-09');
INSERT INTO line VALUES(4, 4, 4);
INSERT INTO orders(customer, day) VALUES(6, '2024-02-01');
INSERT INTO line VALUES(5, 2, 3);
INSERT INTO line VALUES(5, 3, 2);
INSERT INTO orders(customer, day) VALUES(7, '2024-02-11');
INSERT INTO line VALUES(6, 1, 20);
INSERT INTO orders(customer, day) VALUES(9, '2024-02-29');
INSERT INTO line VALUES(7, 7, 6);
INSERT INTO line VALUES(7, 6, 2);
INSERT INTO orders(customer, day) VALUES(2, '2024-03-01');
INSERT INTO line VALUES(8, 5, 24);
INSERT INTO line VALUES(8, 8, 100);
INSERT INTO line VALUES(8, 5, 1);
INSERT INTO line VALUES(99, 1, 1);
INSERT INTO orders(customer, day) VALUES(77, '2024-03-02');
SELECT name, stock FROM product ORDER BY stock, name;
SELECT count(*), min(at), max(at), group_concat(what, '; ') FROM log;

-- Joins, groups, subqueries, set operations.
SELECT o.id, c.name, o.day FROM orders o JOIN customer c ON c.id = o.customer ORDER BY o.id;
SELECT c.name, count(o.id) AS n FROM customer c LEFT JOIN orders o ON o.customer = c.id GROUP BY c.id ORDER BY n DESC,
  c.name;
SELECT o.id, round(sum(l.n * p.price), 2) FROM orders o JOIN line l ON l.orders = o.id JOIN product p ON p.id =
  l.product GROUP BY o.id;
SELECT city, count(*), group_concat(name) FROM customer GROUP BY city HAVING count(*) > 1 ORDER BY city;
SELECT name FROM customer WHERE id NOT IN (SELECT customer FROM orders) ORDER BY name DESC;
SELECT name FROM product p WHERE NOT EXISTS (SELECT 1 FROM line l WHERE l.product = p.id);
SELECT name, (SELECT sum(n) FROM line WHERE product = product.id) FROM product ORDER BY 2 DESC NULLS LAST, 1;
SELECT a.name, b.name FROM customer a JOIN customer b ON a.city = b.city AND a.id < b.id ORDER BY 1, 2;
SELECT city FROM customer UNION SELECT 'Vienna' ORDER BY city;
SELECT city FROM customer EXCEPT SELECT 'London' ORDER BY 1;
SELECT city FROM customer INTERSECT SELECT 'London' UNION ALL SELECT 'x';
SELECT DISTINCT substr(day, 1, 7) FROM orders ORDER BY 1;
SELECT * FROM product NATURAL JOIN (SELECT 3 AS id UNION SELECT 5);
SELECT c.name, p.name FROM customer c CROSS JOIN product p WHERE c.id + p.id = 6 ORDER BY 1;
SELECT p.name, l.n FROM line l RIGHT JOIN product p ON p.id = l.product AND l.n > 10 ORDER BY p.name, l.n;
SELECT a.x, b.y FROM (SELECT 1 AS x UNION SELECT 2) a FULL JOIN (SELECT 2 AS y UNION SELECT 3) b ON a.x = b.y ORDER BY
  1, 2;
SELECT avg(price), total(stock), min(name), max(name), count(DISTINCT stock) FROM product;
SELECT CASE WHEN price < 2 THEN 'cheap' WHEN price < 5 THEN 'fair' ELSE 'dear' END AS class,
  count(*) FROM product GROUP BY class;
SELECT count(*) FILTER (WHERE city IS NULL), count(city), sum(id) FROM customer;
SELECT * FROM (VALUES(1, 'one'), (2, 'two'), (3, 'three')) WHERE column1 % 2 = 1;
SELECT (1, 2) < (1, 3), (2, 2) = (2, 2), 5 BETWEEN 1 AND 10, 'b' IN ('a', 'b'), NULL IS NULL, NULL = NULL, 1 IS NOT 2;
EXPLAIN QUERY PLAN SELECT * FROM orders WHERE day = '2024-01-09' AND customer = 1;
EXPLAIN QUERY PLAN SELECT * FROM customer WHERE city = 'Oslo' ORDER BY name;
SELECT name FROM customer WHERE city = 'Oslo' ORDER BY name LIMIT 1 OFFSET 1;

-- Views.
CREATE VIEW bill AS SELECT o.id AS id, c.name AS name, o.day AS day, sum(l.n * p.price) AS total FROM orders o
  JOIN customer c ON c.id = o.customer JOIN line l ON l.orders = o.id JOIN product p ON p.id = l.product GROUP BY o.id;
SELECT name, printf('%.2f', sum(total)) FROM bill GROUP BY name ORDER BY sum(total) DESC;
SELECT * FROM bill WHERE total > 10 ORDER BY total;
CREATE VIEW londoner(name) AS SELECT name FROM customer WHERE city = 'London';
CREATE TRIGGER londoner_insert INSTEAD OF INSERT ON londoner BEGIN
  INSERT INTO customer(name, city) VALUES(new.name, 'London');
END;
INSERT INTO londoner VALUES('Kim');
INSERT INTO londoner VALUES('Lea');
SELECT * FROM londoner ORDER BY name;
DROP VIEW londoner;
SELECT * FROM londoner;
SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name;

-- Transactions.
BEGIN;
UPDATE product SET price = price * 1.1;
DELETE FROM orders WHERE customer = 1;
SELECT count(*) FROM line;
SELECT name, stock FROM product WHERE id IN (1, 2, 5, 8);
ROLLBACK;
SELECT count(*), sum(n) FROM line;
BEGIN;
INSERT INTO log(what) VALUES('kept');
SAVEPOINT a;
INSERT INTO log(what) VALUES('lost');
SAVEPOINT b;
INSERT INTO log(what) VALUES('lost, too');
RELEASE b;
ROLLBACK TO a;
INSERT INTO log(what) VALUES('kept, too');
COMMIT;
SELECT what FROM log WHERE what LIKE '%kept%' OR what LIKE '%lost%';
COMMIT;
BEGIN;
BEGIN;
INSERT INTO line VALUES(1, 3, 999);
END;
DELETE FROM orders WHERE id = 5;
SELECT name, stock FROM product WHERE id IN (2, 3);
SELECT count(*) FROM line;
UPDATE orders SET day = date(day, '+1 month') WHERE id > 5 RETURNING id, day;
UPDATE product SET price = p2.price FROM (SELECT id, price + 1 AS price FROM product) AS p2 WHERE p2.id = product.id
  AND product.id < 3;
SELECT id, price FROM product WHERE id < 4;
REPLACE INTO product(id, name, price) VALUES(20, 'jam', 3.3);
REPLACE INTO product(id, name, price) VALUES(20, 'jelly', 3.4);
SELECT * FROM product WHERE id = 20;
DELETE FROM product WHERE id = 1;

-- Recursive queries.
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i), group_concat(i * i,
  ' ') FROM n;
WITH RECURSIVE fib(a, b) AS (VALUES(0, 1) UNION ALL SELECT b, a + b FROM fib WHERE b < 1000) SELECT group_concat(a)
  FROM fib;
WITH RECURSIVE c(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM c WHERE x < 100)
  SELECT group_concat(x) FROM c a WHERE NOT EXISTS (SELECT 1 FROM c b WHERE b.x * b.x <= a.x AND a.x % b.x = 0);
CREATE TABLE part(id INTEGER PRIMARY KEY, parent INT, name TEXT);
INSERT INTO part VALUES(1, NULL, 'car'), (2, 1, 'engine'), (3, 1, 'body'), (4, 2, 'piston'), (5, 2, 'valve'), (6, 3,
  'door');
INSERT INTO part VALUES(7, 6, 'handle'), (8, 6, 'window');
WITH RECURSIVE tree(id, name, depth, path) AS (SELECT id, name, 0, name FROM part WHERE parent IS NULL
  UNION ALL SELECT p.id, p.name, t.depth + 1, t.path || '/' || p.name FROM part p JOIN tree t ON p.parent = t.id)
  SELECT printf('%*s%s', depth * 2, '', name), path FROM tree ORDER BY path;
WITH RECURSIVE up(id, name) AS (SELECT id, name FROM part WHERE name = 'handle' UNION ALL
  SELECT p.id, p.name FROM part p, up, part q WHERE q.id = up.id AND p.id = q.parent) SELECT group_concat(name,
  ' < ') FROM up;
WITH RECURSIVE xaxis(x) AS (VALUES(-2.0) UNION ALL SELECT x + 0.1 FROM xaxis WHERE x < 0.6),
  yaxis(y) AS (VALUES(-1.0) UNION ALL SELECT y + 0.25 FROM yaxis WHERE y < 1.0),
  m(iter, cx, cy, x, y) AS (SELECT 0, x, y, 0.0, 0.0 FROM xaxis, yaxis
    UNION ALL SELECT iter + 1, cx, cy, x * x - y * y + cx, 2.0 * x * y + cy FROM m WHERE (x * x + y * y) < 4.0 AND
  iter < 20),
  m2(iter, cx, cy) AS (SELECT max(iter), cx, cy FROM m GROUP BY cx, cy),
  a(t) AS (SELECT group_concat(substr(' .+*#', 1 + min(iter / 5, 4), 1), '') FROM m2 GROUP BY cy)
  SELECT group_concat(rtrim(t), x'0a') FROM a;
WITH RECURSIVE
  input(sud) AS (VALUES('53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79')),
  digits(z, lp) AS (VALUES('1', 1) UNION ALL SELECT CAST(lp + 1 AS TEXT), lp + 1 FROM digits WHERE lp < 9),
  x(s, ind) AS (SELECT sud, instr(sud, '.') FROM input UNION ALL
    SELECT substr(s, 1, ind - 1) || z || substr(s, ind + 1), instr(substr(s, 1, ind - 1) || z || substr(s, ind + 1),
  '.')
    FROM x, digits AS z WHERE ind > 0 AND NOT EXISTS (SELECT 1 FROM digits AS lp
      WHERE z.z = substr(s, ((ind - 1) / 9) * 9 + lp, 1) OR z.z = substr(s, ((ind - 1) % 9) + (lp - 1) * 9 + 1, 1)
      OR z.z = substr(s, (((ind - 1) / 3) % 3) * 3 + ((ind - 1) / 27) * 27 + lp + ((lp - 1) / 3) * 6, 1)))
  SELECT s FROM x WHERE ind = 0;

-- Windows.
CREATE TABLE reading(day INT, place TEXT, value REAL);
INSERT INTO reading SELECT value, 'north', (value * 7) % 11 + 0.5 FROM (WITH RECURSIVE g(value) AS (VALUES(1) UNION ALL
  SELECT value + 1 FROM g WHERE value < 12) SELECT value FROM g);
INSERT INTO reading SELECT day, 'south', 20 - value FROM reading;
SELECT day, place, value, rank() OVER (PARTITION BY place ORDER BY value DESC) FROM reading WHERE day < 5 ORDER BY
  place, day;
SELECT day, sum(value) OVER (ORDER BY day), avg(value) OVER (ORDER BY day ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
  FROM reading WHERE place = 'north';
SELECT day, lag(value) OVER w, lead(value, 2, -1) OVER w, first_value(value) OVER w, ntile(3) OVER w,
  row_number() OVER w
  FROM reading WHERE place = 'south' WINDOW w AS (ORDER BY day);
SELECT day, percent_rank() OVER (ORDER BY value), cume_dist() OVER (ORDER BY value), dense_rank() OVER (ORDER BY value)
  FROM reading WHERE place = 'north' ORDER BY day;
SELECT place, group_concat(day, '') FILTER (WHERE value > 10) OVER (PARTITION BY place ORDER BY day GROUPS 2 PRECEDING
  EXCLUDE TIES)
  FROM reading WHERE day > 9;

-- Functions and types.
SELECT abs(-3), char(72, 105), coalesce(NULL, 2), hex('abc'), ifnull(NULL, 'x'), iif(1 > 2, 'a', 'b'), instr('hello',
  'l'), length('größe');
SELECT lower('ÀBC'), upper('abc'), ltrim('  x'), rtrim('x--', '-'), trim('  y '), nullif(1, 1), quote('it''s'),
  quote(x'00ff'), quote(NULL);
SELECT replace('banana', 'an', 'AN'), substr('hello', -3, 2), typeof(1), typeof(1.0), typeof('1'), typeof(x'01'),
  typeof(NULL), unicode('€');
SELECT round(2.5), round(-2.5), round(2.345, 2), round(1e15 + 0.3, 1), sign(-3), 7 / 2, 7 / 2.0, 7 % 3, -7 / 2, 1 / 0,
  5 & 3, 5 | 3, ~5, 1 << 40;
SELECT 1e300 * 1e10, 0.1 + 0.2, 1.0, 100.0, 1e15, 1e16, 123456789.123456789, 1.5e-7, -0.0, 3.0e-320,
  9223372036854775807, 9223372036854775808;
SELECT CAST('12abc' AS INTEGER), CAST('3.7' AS REAL), CAST(3.99 AS INTEGER), CAST(65 AS TEXT), CAST('abc' AS BLOB),
  '3' + 4, '3' || 4, 'a' < 'B';
SELECT printf('%d|%5d|%-5d|%05d|%+d|%x|%o|%c|%s|%q|%.3f|%e|%g', 42, 42, 42, 42, 42, 255, 8, 'xyz', 'str', 'it''s',
  3.14159, 12345.678, 0.0001);
SELECT printf('%,d', 1234567), printf('%.10g', 1.0 / 3), printf('%!.20g', 0.1), printf('%10.2f|%-10.2f|', 2.345,
  2.345), printf('%w', 'a"b');
SELECT 'abc' LIKE 'A_C', 'abc' GLOB 'a?c', 'abc' LIKE 'a%', '10%' LIKE '10\%' ESCAPE '\', 'abc' GLOB '[a-c]*',
  'ABC' = 'abc' COLLATE NOCASE;
SELECT date('2024-02-28', '+1 day'), date('2023-02-28', '+1 day'), julianday('2000-01-01 12:00'), strftime('%s',
  '2024-01-01'), time('12:34:56', '-90 minutes');
SELECT strftime('%Y-%j %W %w %H:%M:%f', '2024-12-31 23:59:58.123'), datetime(1700000000, 'unixepoch'),
  date('2024-05-31', 'start of month', '+1 month', '-1 day');
SELECT date('now'), datetime('now', '+12 hours'), strftime('%s', 'now'), date('2024-01-31', 'weekday 1'),
  unixepoch('1970-01-02');
SELECT sqrt(2), pow(2, 10), exp(1), ln(10), log(100), log2(8), sin(1), cos(1), atan2(1, 2), pi(), floor(-1.5),
  ceil(1.2), trunc(-1.7), mod(7, 3), degrees(1);
SELECT max(1, 5, 3), min('b', 'a'), likely(1), zeroblob(4), length(zeroblob(100)), hex(zeroblob(2)),
  random() = random(), length(randomblob(8));
SELECT hex(randomblob(6)), random() % 1000, abs(random()) % 100;
SELECT group_concat(DISTINCT city) FROM (SELECT city FROM customer ORDER BY city);
SELECT sqlite_compileoption_used('THREADSAFE=0'), sqlite_version(), total(NULL), sum(NULL), count(NULL), avg(1);
SELECT sum(x) FROM (SELECT 9223372036854775807 AS x UNION ALL SELECT 1);
SELECT abs(-9223372036854775808);
SELECT 1 +;
SELECT nothing();
SELECT * FROM nowhere;
SELECT nosuch FROM customer;
INSERT INTO customer VALUES(1, 2);

-- JSON.
SELECT json('{"a": [1, 2.5, "x", null, true]}'), json_array(1, 'two', NULL, 3.5), json_object('a', 1, 'b',
  json_array(2, 3));
SELECT json_extract('{"a":{"b":[10,20,{"c":"deep"}]}}', '$.a.b[2].c'), '{"x":5}' -> 'x', '{"x":"y"}' ->> '$.x',
  json_valid('{bad}');
SELECT key, value, type, path FROM json_each('{"one":1,"two":[2],"three":null}');
SELECT fullkey, atom FROM json_tree('{"a":[1,{"b":2}],"c":"x"}') WHERE atom IS NOT NULL;
SELECT json_set('{"a":1}', '$.b', 2), json_remove('[0,1,2]', '$[1]'), json_patch('{"a":1,"b":2}', '{"a":9,"b":null}'),
  json_type('[1]'), json_quote('a"b');
SELECT json_group_array(name), json_group_object(name, id) FROM customer WHERE id < 4;
SELECT json_extract('[1', '$');

-- Columns, collations, partial and expression indexes, generated columns, strict tables, alter.
CREATE TABLE item(a INT, b TEXT COLLATE NOCASE, c REAL AS (a * 1.5) STORED, d TEXT AS (upper(b)) VIRTUAL);
INSERT INTO item(a, b) VALUES(1, 'x'), (2, 'Y'), (3, 'z'), (4, 'X'), (NULL, 'y');
SELECT * FROM item ORDER BY b, a;
SELECT b, count(*) FROM item GROUP BY b;
CREATE INDEX item_even ON item(a) WHERE a % 2 = 0;
CREATE INDEX item_length ON item(length(b), d);
SELECT a FROM item WHERE d = 'X' AND length(b) = 1 ORDER BY a;
ALTER TABLE item ADD COLUMN e DEFAULT 'new';
ALTER TABLE item RENAME COLUMN a TO alpha;
ALTER TABLE item RENAME TO thing;
SELECT alpha, e FROM thing WHERE alpha % 2 = 0 ORDER BY alpha;
ALTER TABLE thing DROP COLUMN e;
SELECT sql FROM sqlite_master WHERE name = 'thing';
CREATE TABLE strict_one(i INTEGER, t TEXT) STRICT;
INSERT INTO strict_one VALUES('12', 34);
INSERT INTO strict_one VALUES('twelve', 'x');
SELECT i, typeof(i), t, typeof(t) FROM strict_one;
CREATE TEMP TABLE scratch AS SELECT id, name FROM product WHERE price > 3;
SELECT * FROM scratch ORDER BY id;
DROP TABLE scratch;
SELECT rowid, oid FROM thing WHERE rowid = 2;
CREATE TABLE blob_one(b BLOB);
INSERT INTO blob_one VALUES(x'0001feff'), (zeroblob(3)), ('text'), (12);
SELECT b, typeof(b), length(b) FROM blob_one ORDER BY b;
ATTACH ':memory:' AS other;
CREATE TABLE other.t(x);
INSERT INTO other.t SELECT id FROM product;
SELECT count(*), max(x) FROM other.t;
DETACH other;
ATTACH '/no/such/file.db' AS gone;

-- Many rows: sorting, indexes, updates, deletes, vacuum.
CREATE TABLE big(id INTEGER PRIMARY KEY, k INT, s TEXT);
BEGIN;
INSERT INTO big WITH RECURSIVE g(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM g WHERE i < 3000)
  SELECT i, (i * 7919) % 3001, printf('row-%06d', (i * 104729) % 100003) FROM g;
COMMIT;
SELECT count(*), sum(k), min(s), max(s) FROM big;
SELECT id, k, s FROM big ORDER BY s LIMIT 5;
SELECT id, k FROM big ORDER BY k DESC LIMIT 5;
CREATE INDEX big_k ON big(k);
CREATE INDEX big_s ON big(s, k DESC);
SELECT id FROM big WHERE k BETWEEN 100 AND 105 ORDER BY k;
SELECT count(*) FROM big WHERE s > 'row-050000' AND k < 1000;
SELECT k / 500 AS bucket, count(*), avg(id), max(s) FROM big GROUP BY bucket ORDER BY bucket;
SELECT count(*) FROM big a JOIN big b ON a.k = b.id AND b.k = a.id;
UPDATE big SET k = k + 10000 WHERE id % 3 = 0;
SELECT count(*), sum(k) FROM big WHERE k > 10000;
DELETE FROM big WHERE id % 7 = 0;
SELECT count(*), sum(id) FROM big;
SELECT count(DISTINCT substr(s, 5, 2)) FROM big;
PRAGMA integrity_check;
PRAGMA page_count;
DROP INDEX big_s;
DELETE FROM big WHERE id > 500;
VACUUM;
PRAGMA page_count;
PRAGMA freelist_count;
ANALYZE;
SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY 1, 2;
REINDEX big;
PRAGMA quick_check;
PRAGMA foreign_key_check;

-- Full text and R-tree.
CREATE VIRTUAL TABLE text USING fts5(title, body, tokenize = 'porter');
INSERT INTO text VALUES('Trees', 'A tree is a graph without cycles. Trees grow in forests.');
INSERT INTO text VALUES('Hashing', 'A hash maps keys to buckets; good hashing spreads keys evenly.');
INSERT INTO text VALUES('Sorting', 'Sorting puts keys in order. Merge sort is stable, quick sort is not.');
INSERT INTO text VALUES('Graphs', 'A graph has nodes and edges; walking a graph visits the nodes.');
INSERT INTO text VALUES('Gardens', 'In a garden, trees and flowers grow; visitors walk on paths.');
SELECT title FROM text WHERE text MATCH 'graph' ORDER BY rank;
SELECT title FROM text WHERE text MATCH 'keys AND sort*' ORDER BY rowid;
SELECT title FROM text WHERE text MATCH '"graph visits"' ORDER BY rowid;
SELECT highlight(text, 1, '<', '>') FROM text WHERE text MATCH 'walking OR visiting' ORDER BY rowid;
SELECT title, snippet(text, 1, '[', ']', '...', 4), round(bm25(text), 4) FROM text WHERE text MATCH 'tree NOT cycles';
SELECT title FROM text WHERE text MATCH 'NEAR(trees flowers, 2)';
UPDATE text SET body = 'Nothing here.' WHERE title = 'Trees';
DELETE FROM text WHERE title = 'Graphs';
SELECT title FROM text WHERE text MATCH 'graph OR tree' ORDER BY rowid;
INSERT INTO text(text) VALUES('integrity-check');
SELECT title FROM text WHERE text MATCH 'bad "syntax';
CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, y0, y1);
INSERT INTO box WITH RECURSIVE g(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM g WHERE i < 99)
  SELECT i, i % 10, i % 10 + 0.5, i / 10, i / 10 + 0.5 FROM g;
SELECT group_concat(id) FROM (SELECT id FROM box WHERE x0 >= 3 AND x1 <= 5 AND y0 >= 4 AND y1 <= 6 ORDER BY id);
DELETE FROM box WHERE x0 < 5;
SELECT count(*), min(x0), max(y1) FROM box;

-- Clean up in the order of the keys.
DROP TABLE line;
DROP TABLE orders;
DROP TABLE IF EXISTS never_was;
DROP TABLE customer;
DROP TABLE never_was;
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%\_%' ESCAPE '\' ORDER BY name;
