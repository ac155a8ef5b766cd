"""The API in short, for the start page. A test compares it with the routes and with README.md."""

from __future__ import annotations

ROUTES: tuple[tuple[str, str, str, str], ...] = (
    ("POST", "/accounts", "mở tài khoản", "open an account, or a list"),
    ("GET", "/accounts", "mọi tài khoản, số dư", "all accounts with balances"),
    ("GET", "/accounts/<number>", "một tài khoản", "one account"),
    ("PUT", "/accounts/<number>/hook", "đặt webhook", "where notices go"),
    ("GET", "/accounts/<number>/statement", "sao kê một ngày", "the statement of a day"),
    ("POST", "/scan", "đọc chữ mã QR", "read a QR text"),
    ("POST", "/transfers", "tiền vào", "money in"),
    ("GET", "/transfers", "danh sách giao dịch", "list of movements"),
    ("POST", "/payouts", "chi tiền", "money out"),
    ("POST", "/fees", "thu phí", "a bank fee"),
    ("POST", "/interest", "trả lãi", "interest"),
    ("POST", "/reversals", "hoàn trả", "give a movement back"),
    ("POST", "/forgeries", "thông báo giả", "a forged notice"),
    ("GET", "/notices", "thông báo và các lần gọi", "notices and their attempts"),
    ("GET", "/notices/<int:notice>", "một thông báo", "one notice"),
    ("POST", "/notices/<int:notice>/<any(replay, release):verb>", "gửi lại, gửi ngay",
     "send again, send now"),
    ("GET", "/clock", "giờ của ngân hàng", "the bank's time"),
    ("POST", "/clock", "chỉnh giờ", "move the clock"),
    ("GET", "/faults", "bảng lỗi", "the table of faults"),
    ("POST", "/reset", "xóa dữ liệu", "forget everything"),
    ("GET", "/health", "tình trạng", "is it open"),
)  # fmt: skip
