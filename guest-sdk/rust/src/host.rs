//! The few functions of WASI 0.2 that this target lacks, called by the canonical ABI.

#[link(wasm_import_module = "wasi:cli/environment@0.2.0")]
extern "C" {
    #[link_name = "get-environment"]
    fn get_environment(result: *mut [usize; 2]);
}
#[link(wasm_import_module = "wasi:cli/stdout@0.2.0")]
extern "C" {
    #[link_name = "get-stdout"]
    fn get_stdout() -> u32;
}
#[link(wasm_import_module = "wasi:cli/stderr@0.2.0")]
extern "C" {
    #[link_name = "get-stderr"]
    fn get_stderr() -> u32;
}
#[link(wasm_import_module = "wasi:io/streams@0.2.0")]
extern "C" {
    #[link_name = "[method]output-stream.blocking-write-and-flush"]
    fn write(stream: u32, bytes: *const u8, length: usize, result: *mut [u32; 3]);
    #[link_name = "[resource-drop]output-stream"]
    fn drop_stream(stream: u32);
}
#[link(wasm_import_module = "wasi:clocks/wall-clock@0.2.0")]
extern "C" {
    #[link_name = "now"]
    fn wall_clock_now(result: *mut [u64; 2]);
}
#[link(wasm_import_module = "wasi:clocks/monotonic-clock@0.2.0")]
extern "C" {
    #[link_name = "now"]
    fn monotonic_clock_now() -> u64;
}
#[link(wasm_import_module = "wasi:random/random@0.2.0")]
extern "C" {
    #[link_name = "get-random-u64"]
    fn get_random_u64() -> u64;
}

/// What one call of the stream takes.
const WRITE_BYTES: usize = 4096;

fn write_line(stream: u32, line: &str) {
    let text = [line.as_bytes(), b"\n"].concat();
    let mut result = [0; 3];
    unsafe {
        text.chunks(WRITE_BYTES).for_each(|chunk| write(stream, chunk.as_ptr(), chunk.len(), &mut result));
        drop_stream(stream);
    }
}

/// A line for the function's log.
pub fn log(line: impl AsRef<str>) {
    write_line(unsafe { get_stderr() }, line.as_ref())
}

/// The same, as standard output.
pub fn print(line: impl AsRef<str>) {
    write_line(unsafe { get_stdout() }, line.as_ref())
}

/// An environment variable of the function's configuration.
pub fn env(name: &str) -> Option<String> {
    let mut list = [0usize; 2];
    unsafe {
        get_environment(&mut list);
        // Each entry is two strings, each an address and a length, which the host asked cabi_realloc for.
        let entries = std::slice::from_raw_parts(list[0] as *const [usize; 4], list[1]);
        let text = |at: usize, length: usize| String::from_utf8_lossy(std::slice::from_raw_parts(at as *const u8, length)).into_owned();
        entries.iter().find(|entry| text(entry[0], entry[1]) == name).map(|entry| text(entry[2], entry[3]))
    }
}

/// 64 bits that nobody else gets.
pub fn random() -> u64 {
    unsafe { get_random_u64() }
}

pub fn random_bytes(bytes: &mut [u8]) {
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random().to_le_bytes()[..chunk.len()]))
}

/// Milliseconds since the epoch.
pub fn now_ms() -> f64 {
    let mut time = [0u64; 2];
    unsafe { wall_clock_now(&mut time) };
    time[0] as f64 * 1000.0 + f64::from(time[1] as u32) / 1e6
}

/// Nanoseconds since an arbitrary moment.
pub fn monotonic_ns() -> u64 {
    unsafe { monotonic_clock_now() }
}
