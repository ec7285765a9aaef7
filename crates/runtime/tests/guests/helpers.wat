;; Words for guests, each taken over where a guest uses it. What a call returns in memory is at 16.

;; The last call's result is not an error.
(func $ok (if (i32.load8_u (i32.const 16)) (then unreachable)))

;; Headers of its own, a status, and a body that is still to be written, whose handle is returned.
(func $respond (param $out i32) (param $status i32) (result i32)
  (call $respond-with (local.get $out) (local.get $status) (call $fields.new)))

(func $respond-with (param $out i32) (param $status i32) (param $fields i32) (result i32)
  (local $response i32) (local $body i32)
  (local.set $response (call $response.new (local.get $fields)))
  (if (call $response.set-status (local.get $response) (local.get $status)) (then unreachable))
  (call $response.body (local.get $response) (i32.const 16))
  (call $ok)
  (local.set $body (i32.load (i32.const 20)))
  (call $set (local.get $out) (local.get $response))
  (local.get $body))

;; The response goes out.
(func $set (param $out i32) (param $response i32)
  (call $outparam.set (local.get $out) (i32.const 0) (local.get $response) (i32.const 0) (i64.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

;; An error of that number, without a payload, instead of a response.
(func $set-error (param $out i32) (param $code i32)
  (call $outparam.set (local.get $out) (i32.const 1) (local.get $code) (i32.const 0) (i64.const 0)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

(func $stream-of (param $body i32) (result i32)
  (call $writes.write (local.get $body) (i32.const 16))
  (call $ok)
  (i32.load (i32.const 20)))

;; Writes all of it, waiting for room.
(func $write (param $stream i32) (param $ptr i32) (param $len i32)
  (local $part i32)
  (loop $more
    (if (local.get $len) (then
      (local.set $part (select (local.get $len) (i32.const 4096) (i32.lt_u (local.get $len) (i32.const 4096))))
      (call $out.blocking-write (local.get $stream) (local.get $ptr) (local.get $part) (i32.const 16))
      (call $ok)
      (local.set $ptr (i32.add (local.get $ptr) (local.get $part)))
      (local.set $len (i32.sub (local.get $len) (local.get $part)))
      (br $more)))))

(func $finish (param $body i32)
  (call $writes.finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 16))
  (call $ok))

;; A body of one text.
(func $fill (param $body i32) (param $ptr i32) (param $len i32)
  (local $stream i32)
  (local.set $stream (call $stream-of (local.get $body)))
  (call $write (local.get $stream) (local.get $ptr) (local.get $len))
  (call $out.drop (local.get $stream))
  (call $finish (local.get $body)))

(func $answer (param $out i32) (param $status i32) (param $ptr i32) (param $len i32)
  (call $fill (call $respond (local.get $out) (local.get $status)) (local.get $ptr) (local.get $len)))

;; The number in decimal digits, as an answer.
(func $answer-number (param $out i32) (param $n i64)
  (local $at i32)
  (local.set $at (i32.const 512))
  (loop $digit
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
    (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
    (br_if $digit (i64.ne (local.get $n) (i64.const 0))))
  (call $answer (local.get $out) (i32.const 200) (local.get $at) (i32.sub (i32.const 512) (local.get $at))))

;; Appends to headers, which takes it.
(func $append (param $fields i32) (param $name i32) (param $name-len i32) (param $value i32) (param $value-len i32)
  (call $fields.append (local.get $fields) (local.get $name) (local.get $name-len) (local.get $value)
    (local.get $value-len) (i32.const 16))
  (call $ok))

;; The stream of a request's body; the body's handle is at 8.
(func $body-of (param $req i32) (result i32)
  (call $request.consume (local.get $req) (i32.const 16))
  (call $ok)
  (i32.store (i32.const 8) (i32.load (i32.const 20)))
  (call $body.stream (i32.load (i32.const 8)) (i32.const 16))
  (call $ok)
  (i32.load (i32.const 20)))

;; Writes all of it in parts as large as there is room for.
(func $write-parts (param $stream i32) (param $ptr i32) (param $len i32)
  (local $part i32) (local $pollable i32)
  (loop $more
    (if (local.get $len) (then
      (call $out.check-write (local.get $stream) (i32.const 16))
      (call $ok)
      (local.set $part (i32.wrap_i64 (i64.load (i32.const 24))))
      (if (local.get $part)
        (then
          (if (i32.lt_u (local.get $len) (local.get $part)) (then (local.set $part (local.get $len))))
          (call $out.write (local.get $stream) (local.get $ptr) (local.get $part) (i32.const 16))
          (call $ok)
          (local.set $ptr (i32.add (local.get $ptr) (local.get $part)))
          (local.set $len (i32.sub (local.get $len) (local.get $part))))
        (else
          (local.set $pollable (call $out.subscribe (local.get $stream)))
          (call $pollable.block (local.get $pollable))
          (call $pollable.drop (local.get $pollable))))
      (br $more)))))

;; Passes all of a stream on to another one.
(func $pass (param $in i32) (param $to i32)
  (block $end
    (loop $more
      (call $in.blocking-read (local.get $in) (i64.const 65536) (i32.const 16))
      (br_if $end (i32.load8_u (i32.const 16)))
      (call $write (local.get $to) (i32.load (i32.const 20)) (i32.load (i32.const 24)))
      (global.set $heap (i32.const 131072))
      (br $more))))

(func $sleep (param $ms i64)
  (local $pollable i32)
  (local.set $pollable (call $clock.sleep (i64.mul (local.get $ms) (i64.const 1000000))))
  (call $pollable.block (local.get $pollable))
  (call $pollable.drop (local.get $pollable)))

;; A request to `http://<authority><path>`.
(func $ask (param $host i32) (param $host-len i32) (param $path i32) (param $path-len i32) (result i32)
  (local $request i32)
  (local.set $request (call $asks.new (call $fields.new)))
  (if (call $asks.set-scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))
    (then unreachable))
  (if (call $asks.set-authority (local.get $request) (i32.const 1) (local.get $host) (local.get $host-len))
    (then unreachable))
  (if (call $asks.set-path (local.get $request) (i32.const 1) (local.get $path) (local.get $path-len))
    (then unreachable))
  (local.get $request))

;; Sends it; the response's future.
(func $sent (param $request i32) (result i32)
  (call $send (local.get $request) (i32.const 0) (i32.const 0) (i32.const 16))
  (call $ok)
  (i32.load (i32.const 24)))

;; Waits for a response: its handle, or 0 with the error's number at 40.
(func $wait (param $future i32) (result i32)
  (local $pollable i32)
  (local.set $pollable (call $future.subscribe (local.get $future)))
  (call $pollable.block (local.get $pollable))
  (call $pollable.drop (local.get $pollable))
  (call $future.get (local.get $future) (i32.const 16))
  (if (i32.eqz (i32.load8_u (i32.const 16))) (then unreachable))
  (if (i32.load8_u (i32.const 24)) (then unreachable))
  (if (result i32) (i32.load8_u (i32.const 32))
    (then (i32.const 0))
    (else (i32.load (i32.const 40)))))

;; Answers with what came, status and body.
(func $relay (param $out i32) (param $response i32)
  (local $body i32) (local $in i32) (local $writes i32) (local $to i32)
  (local.set $writes (call $respond (local.get $out) (call $answer.status (local.get $response))))
  (call $answer.consume (local.get $response) (i32.const 16))
  (call $ok)
  (local.set $body (i32.load (i32.const 20)))
  (call $body.stream (local.get $body) (i32.const 16))
  (call $ok)
  (local.set $in (i32.load (i32.const 20)))
  (local.set $to (call $stream-of (local.get $writes)))
  (call $pass (local.get $in) (local.get $to))
  (call $out.drop (local.get $to))
  (call $finish (local.get $writes)))

;; A line to standard output, or error.
(func $print (param $stream i32) (param $ptr i32) (param $len i32)
  (call $write (local.get $stream) (local.get $ptr) (local.get $len))
  (call $out.drop (local.get $stream)))

;; 0.3: the request's body as the stream at 32 and the future of its trailers at 36.
(func $p3.body (param $req i32)
  (call $p3.request.consume (local.get $req) (i32.wrap_i64 (call $p3.request.result)) (i32.const 32)))

;; 0.3: a response of that status, with the request's body where there is to be one, as the result at 128.
(func $p3.respond (param $status i32) (param $some i32) (result i32)
  (local $response i32)
  (call $p3.response.new (call $p3.fields.new) (local.get $some) (i32.load (i32.const 32))
    (i32.load (i32.const 36)) (i32.const 48))
  (local.set $response (i32.load (i32.const 48)))
  (if (call $p3.response.set-status (local.get $response) (local.get $status)) (then unreachable))
  (i32.store8 (i32.const 128) (i32.const 0))
  (i32.store (i32.const 136) (local.get $response))
  (i32.const 128))
